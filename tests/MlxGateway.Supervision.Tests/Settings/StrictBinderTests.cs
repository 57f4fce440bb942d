using System.ComponentModel.DataAnnotations;
using System.Text;
using Microsoft.Extensions.Configuration;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Settings;

public sealed class StrictBinderTests
{
    public enum Mood
    {
        Calm,
        Wild,
    }

    [Fact]
    public void Bind_EverythingWrittenRightly_IsRead()
    {
        var (root, errors) = Bind("""
            {
              "name": "a b", "Flag": true, "COUNT": 7, "Ratio": 0.25, "Delay": "1.02:03:04.5", "Mood": "wild", "Size": "1.5 GiB", "Patience": "Auto",
              "special_key": "yes", "List": [ "x", "y" ], "Map": { "PATH": "/bin" }, "Inner": { "Level": 3 },
              "Things": { "org/Name": { "Level": 4 }, "plain": {} }
            }
            """);

        Assert.Empty(errors.All);
        Assert.Equal("a b", root.Name);
        Assert.True(root.Flag);
        Assert.Equal(7, root.Count);
        Assert.Equal(0.25, root.Ratio);
        Assert.Equal(new TimeSpan(1, 2, 3, 4, 500), root.Delay);
        Assert.Equal(Mood.Wild, root.Mood);
        Assert.Equal(ByteSize.FromGigabytes(1.5), root.Size);
        Assert.Null(root.Patience);
        Assert.Equal("yes", root.Special);
        Assert.Equal(["x", "y"], root.List);
        Assert.Equal("/bin", root.Map["PATH"]);
        Assert.Equal(3, root.Inner.Level);
        Assert.Equal(["org/Name", "plain"], root.Things.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(4, root.Things["org/Name"].Level);
        Assert.Equal(1, root.Things["plain"].Level);
    }

    [Fact]
    public void Bind_NothingWritten_KeepsEveryDefault()
    {
        var (root, errors) = Bind("""{ "Must": "x" }""");

        Assert.Empty(errors.All);
        Assert.Equal(TimeSpan.FromSeconds(5), root.Patience);
        Assert.Equal(["default"], root.List);
    }

    [Fact]
    public void Bind_EmptyListsSectionsAndNulls_MeanNothingInThem()
    {
        var (root, errors) = Bind("""{ "List": [], "Map": {}, "Things": {}, "Inner": {}, "Nullable": null, "Patience": null }""");

        Assert.Empty(errors.All);
        Assert.Empty(root.List);
        Assert.Null(root.Nullable);
        Assert.Null(root.Patience);
        Assert.Equal(1, root.Inner.Level);
    }

    [Fact]
    public void Bind_EveryKindOfMistake_ReportsThemAllAtOnceWithPathAndAdvice()
    {
        var (root, errors) = Bind("""
            {
              "Flag": "maybe", "Count": "many", "Ratio": "NaN", "Delay": "30", "Mood": "1", "Size": "lots", "Patience": "never", "Nmae": "x", "Zebra": "x",
              "Name": null, "List": "one", "Map": "one", "Inner": "one", "Must": null,
              "Things": { "a": { "Level": 500 }, "b": "one", "qwen": { "7b": { "Level": 1 } }, "c": { "Level": { "deep": 1 } } }
            }
            """);

        Assert.Equal(
            [
                "Top:Count: \"many\" is not a whole number; write digits, for example 4.",
                "Top:Delay: \"30\" is not a duration; write hours, minutes and seconds, for example \"00:30:00\", or with days \"1.00:00:00\".",
                "Top:Flag: \"maybe\" is not true or false; write true or false.",
                "Top:Inner: \"one\" is one value; a section with keys of its own, { … }, belongs here.",
                "Top:List: \"one\" is one value; a list belongs here: write [ \"one\" ].",
                "Top:Map: \"one\" is one value; a section with keys of its own, { … }, belongs here.",
                "Top:Mood: \"1\" is not \"Calm\" or \"Wild\"; write \"Calm\" or \"Wild\".",
                "Top:Must: is required and has no value.",
                "Top:Name: is null; write text, or leave the key out for the default.",
                "Top:Nmae: is not a known key; did you mean \"Name\"?",
                "Top:Patience: \"never\" is not a duration; write hours, minutes and seconds, for example \"00:30:00\", or with days \"1.00:00:00\", or \"auto\".",
                "Top:Ratio: \"NaN\" is not a number; write digits, for example 0.5.",
                "Top:Size: \"lots\" is not a size; write a number with a unit, for example \"18GB\".",
                "Top:Things:a:Level: \"500\" is out of range; write a value from 1 to 10.",
                "Top:Things:b: \"one\" is one value; a section with keys of its own, { … }, belongs here.",
                "Top:Things:c:Level: is a list or a section; one value belongs here: write digits, for example 4.",
                "Top:Things:qwen:7b: is not a known key. If \"qwen:7b\" was meant as one name: the configuration cuts keys at colons, so such a name goes into \"Aliases\" of a model with another name.",
                "Top:Zebra: is not a known key; known here: Count, Delay, Flag, Inner, List, Map, Mood, Must, Name, Nullable, Patience, Ratio, Size, Things, special_key.",
            ],
            errors.All.Select(error => error.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(2, root.Count);
        Assert.Equal(["default"], root.List);
    }

    [Theory]
    [InlineData("""{ "List": { "first": "x" } }""", "Top:List:first")]
    [InlineData("""{ "List": [ "x", null ] }""", "Top:List:1")]
    [InlineData("""{ "List": [ [ "x" ] ] }""", "Top:List:0")]
    [InlineData("""{ "Map": { "A": null } }""", "Top:Map:A")]
    [InlineData("""{ "Map": { "A": [ "x" ] } }""", "Top:Map:A")]
    [InlineData("""{ "Name": [ "x" ] }""", "Top:Name")]
    [InlineData("""{ "Things": [ "x" ] }""", "Top:Things:0")]
    [InlineData("""{ "Must": [ "x" ] }""", "Top:Must")]
    [InlineData("""{ "Count": 99999999999 }""", "Top:Count")]
    [InlineData("""{ "Count": "" }""", "Top:Count")]
    [InlineData("""{ "Delay": "24:00:00" }""", "Top:Delay")]
    [InlineData("""{ "Delay": "00:30" }""", "Top:Delay")]
    [InlineData("""{ "Delay": "1.00" }""", "Top:Delay")]
    [InlineData("""{ "Patience": "-00:00:01" }""", "Top:Patience")]
    [InlineData("""{ "Patience": "01:00:01" }""", "Top:Patience")]
    [InlineData("""{ "Size": 18 }""", "Top:Size")]
    [InlineData("""{ "Flag": 1 }""", "Top:Flag")]
    [InlineData("""{ "Mood": "Calm, Wild" }""", "Top:Mood")]
    public void Bind_OneMistake_IsReportedAtItsKeyAndNothingElseIs(string json, string key)
    {
        var (_, errors) = Bind(json);

        Assert.Equal([key], errors.All.Select(error => error.Key));
    }

    [Fact]
    public void Bind_LongValue_IsNotRepeatedWhole()
    {
        var (_, errors) = Bind($$"""{ "Count": "{{new string('x', 5000)}}" }""");

        Assert.True(Assert.Single(errors.All).Sentence.Length < 200);
    }

    [Fact]
    public void Bind_LaterFileOverOneBefore_KeysMatchWithoutCase()
    {
        var configuration = new ConfigurationBuilder()
            .AddJsonStream(Stream("""{ "Top": { "Count": 3, "Must": "x" } }"""))
            .AddInMemoryCollection([new("TOP:COUNT", "4")])
            .Build();
        var errors = new SettingsErrors();

        var root = StrictBinder.Bind<Root>(configuration.GetSection("Top"), errors, new TextConverters().AddSizes());

        Assert.Empty(errors.All);
        Assert.Equal(4, root.Count);
    }

    private static (Root Root, SettingsErrors Errors) Bind(string json)
    {
        var must = json.Contains("\"Must\"", StringComparison.Ordinal) ? json : json.Insert(json.IndexOf('{', StringComparison.Ordinal) + 1, "\"Must\": \"x\",").Replace(",}", "}", StringComparison.Ordinal);
        var configuration = new ConfigurationBuilder().AddJsonStream(Stream($$"""{ "Top": {{must}} }""")).Build();
        var errors = new SettingsErrors();
        return (StrictBinder.Bind<Root>(configuration.GetSection("Top"), errors, new TextConverters().AddSizes()), errors);
    }

    private static MemoryStream Stream(string json) => new(Encoding.UTF8.GetBytes(json));

    public sealed class Root
    {
        public string Name { get; set; } = "default";

        public string? Nullable { get; set; } = "default";

        [Required]
        public string? Must { get; set; }

        public bool Flag { get; set; }

        public int Count { get; set; } = 2;

        public double Ratio { get; set; }

        public TimeSpan Delay { get; set; }

        public Mood Mood { get; set; }

        public ByteSize Size { get; set; }

        [AutoIsNull]
        [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
        public TimeSpan? Patience { get; set; } = TimeSpan.FromSeconds(5);

        [ConfigurationKeyName("special_key")]
        public string? Special { get; set; }

        public List<string> List { get; set; } = ["default"];

        public Dictionary<string, string> Map { get; set; } = [];

        public Inner Inner { get; set; } = new();

        public Dictionary<string, Inner> Things { get; set; } = [];

        public static string NotAKey => "";

        public int ReadOnly => Count;
    }

    public sealed class Inner
    {
        [Range(1, 10)]
        public int Level { get; set; } = 1;
    }
}
