using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Settings;

/// <summary>What somebody writes as JSON into a file is that JSON again, although the configuration keeps texts only.</summary>
public sealed class JsonTextTests
{
    [Theory]
    [InlineData("0.7")]
    [InlineData("-3")]
    [InlineData("1e-5")]
    [InlineData("true")]
    [InlineData("false")]
    [InlineData("null")]
    [InlineData("\"high\"")]
    [InlineData("\"a \\\"quoted\\\" word, \u20ac\"")]
    [InlineData("\"\"")]
    [InlineData("""["</s>","\n"]""")]
    [InlineData("""[1,[true,null],{"a":[{}.b]}]""")]
    [InlineData("""{"enable_thinking":false,"budget":1024,"nested":{"a":{"b":"c"}}}""")]
    [InlineData("""{"0":"a","2":"b"}""")]
    public void Bind_JsonOfAnyShape_IsThatJsonAgain(string json)
    {
        json = json.Replace("{}.b", "{\"b\":7}", StringComparison.Ordinal);

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), JsonNode.Parse(Bind(json).Json)), Bind(json).Json);
    }

    [Theory]
    [InlineData("\"7\"", "7")]
    [InlineData("\"\\\"7\\\"\"", "\"7\"")]
    [InlineData("\"007\"", "\"007\"")]
    [InlineData("\"True\"", "true")]
    [InlineData("\"[1, 2]\"", "[1, 2]")]
    [InlineData("\"{half\"", "\"{half\"")]
    public void Bind_TextThatLooksLikeAnotherValue_IsThatValueUnlessQuotedTwice(string written, string json) => Assert.Equal(json, Bind(written).Json);

    [Fact]
    public void Bind_FieldsFromVariables_AreReadAlike()
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([KeyValuePair.Create("Top:Fields:top_k", (string?)"40"), KeyValuePair.Create("Top:Fields:stop:0", (string?)"a"), KeyValuePair.Create("Top:Fields:flag", (string?)"true")])
            .Build();
        var errors = new SettingsErrors();

        var fields = StrictBinder.Bind<Holder>(configuration.GetSection("Top"), errors, new TextConverters()).Fields;

        Assert.Equal(("40", "[\"a\"]", "true"), (fields["top_k"].Json, fields["stop"].Json, fields["flag"].Json));
    }

    private static JsonText Bind(string json)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes($$"""{"Top":{"Fields":{"field":{{json}} } } }"""));
        var errors = new SettingsErrors();
        var holder = StrictBinder.Bind<Holder>(new ConfigurationBuilder().AddJsonStream(stream).Build().GetSection("Top"), errors, new TextConverters());
        Assert.Empty(errors.All);
        return holder.Fields["field"];
    }

    public sealed class Holder
    {
        public Dictionary<string, JsonText> Fields { get; set; } = [];
    }
}
