using System.Buffers;
using System.Text;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference;

public sealed class TopLevelFieldsTests
{
    [Theory]
    [InlineData("""{"model":"m"}""", "m", false)]
    [InlineData("""{"model":"m","stream":true}""", "m", true)]
    [InlineData("""{"stream":true,"model":"m"}""", "m", true)]
    [InlineData("""{"model":"m","stream":false}""", "m", false)]
    [InlineData("""{"model":"m","stream":null}""", "m", false)]
    [InlineData("""{"model":"","stream":true}""", "", true)]
    [InlineData("""{"model":null}""", null, false)]
    [InlineData("""{}""", null, false)]
    [InlineData(" \r\n\t{ } \r\n", null, false)]
    [InlineData("""{"mod\u0065l":"m"}""", "m", false)]
    [InlineData("""{"model":"\u006d\"\\\/"}""", "m\"\\/", false)]
    [InlineData("""{"model":"\ud834\udd1e"}""", "𝄞", false)]
    [InlineData("""{"Model":"m","MODEL":"n"}""", null, false)]
    [InlineData("""{"x":{"model":"inner","stream":true},"model":"m"}""", "m", false)]
    [InlineData("""{"x":[{"model":"inner"}],"y":"\"model\":\"text\"","model":"m"}""", "m", false)]
    [InlineData("""{"x":1,"x":2,"model":"m"}""", "m", false)]
    [InlineData("\uFEFF{\"model\":\"m\"}", "m", false)]
    public void Read_GoodBody_FindsTheFields(string body, string? model, bool stream)
    {
        var fields = Read(body);

        Assert.Equal((model, stream), (fields.Model, fields.Stream));
    }

    [Theory]
    [InlineData("", null, "nothing in it")]
    [InlineData("   ", null, "nothing in it")]
    [InlineData("null", null, "must be a JSON object")]
    [InlineData("[]", null, "must be a JSON object")]
    [InlineData("\"model\"", null, "must be a JSON object")]
    [InlineData("{", null, "ends in the middle")]
    [InlineData("""{"model""", null, "ends in the middle")]
    [InlineData("""{"model":""", null, "ends in the middle")]
    [InlineData("""{"model":"m""", null, "ends in the middle")]
    [InlineData("""{"model":"m" """, null, "ends in the middle")]
    [InlineData("""{"model":"m","messages":[{""", null, "ends in the middle")]
    [InlineData("""{"model":"m"}x""", null, "not valid JSON")]
    [InlineData("""{"model":"m"}{"model":"n"}""", null, "not valid JSON")]
    [InlineData("""{"model":"m",}""", null, "not valid JSON")]
    [InlineData("""{"model":"m" /* a comment */}""", null, "not valid JSON")]
    [InlineData("{\"model\":\"m\"} // a comment", null, "not valid JSON")]
    [InlineData("""{'model':'m'}""", null, "not valid JSON")]
    [InlineData("""{"model":NaN}""", null, "not valid JSON")]
    [InlineData("{\"model\":\"a\nb\"}", null, "not valid JSON")]
    [InlineData("""{"model":"\x"}""", null, "not valid JSON")]
    [InlineData("""{"model":1}""", "model", "must be a string")]
    [InlineData("""{"model":true}""", "model", "must be a string")]
    [InlineData("""{"model":["m"]}""", "model", "must be a string")]
    [InlineData("""{"model":{"id":"m"}}""", "model", "must be a string")]
    [InlineData("""{"model":"m","model":"m"}""", "model", "twice")]
    [InlineData("""{"model":null,"model":"m"}""", "model", "twice")]
    [InlineData("""{"model":"m","mod\u0065l":"n"}""", "model", "twice")]
    [InlineData("""{"model":"m","stream":true,"stream":true}""", "stream", "twice")]
    [InlineData("""{"model":"m","stream":null,"str\u0065am":true}""", "stream", "twice")]
    [InlineData("""{"model":"m","stream":1}""", "stream", "true or false")]
    [InlineData("""{"model":"m","stream":"true"}""", "stream", "true or false")]
    [InlineData("""{"model":"m","stream":{}}""", "stream", "true or false")]
    [InlineData("""{"model":"\ud800"}""", "model", "stands for no character")]
    [InlineData("""{"model":"\udc00x"}""", "model", "stands for no character")]
    [InlineData("\uFEFF\uFEFF{}", null, "not valid JSON")]
    public void Read_BadBody_IsRefusedWithItsPlace(string body, string? param, string says)
    {
        var error = TopLevelFields.TryRead(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(body)), out _);

        Assert.NotNull(error);
        Assert.Equal((400, "invalid_request", param), (error.Status, error.Code, error.Param));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("LineNumber", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Utf8JsonReader", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FieldNameWithoutACharacter_IsNotBlamedOnTheModel()
    {
        var error = TopLevelFields.TryRead(new ReadOnlySequence<byte>("""{"model":"m","\ud800":1}"""u8.ToArray()), out var fields);

        // Either is fine: that it passes, or that it is refused; but what is wrong is not the model.
        Assert.True(error is null ? fields.Model == "m" : error.Param is null, error?.Message);
    }

    [Theory]
    [InlineData(10_000)]
    [InlineData(100_000)]
    public void Read_DeepNesting_IsRefusedAndNotFollowed(int depth)
    {
        var error = TopLevelFields.TryRead(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes("""{"model":"m","x":""" + new string('[', depth) + new string(']', depth) + "}")), out _);

        Assert.Contains("nested deeper than", error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_DeepestAllowedNesting_IsTaken() => Assert.Equal("m", Read("""{"model":"m","x":""" + new string('[', 511) + new string(']', 511) + "}").Model);

    [Fact]
    public void Read_FieldsBehindAMegabyte_AreFound()
    {
        var body = $$"""{"messages":[{"role":"user","content":"{{new string('x', 3 << 20)}}"}],"stream":true,"model":"far"}""";
        var bytes = Encoding.UTF8.GetBytes(body);

        Assert.Null(TopLevelFields.TryRead(Pieces.Sequence(bytes, new Random(7)), out var fields));
        Assert.Equal(("far", true), (fields.Model, fields.Stream));
        Assert.Equal("\"far\"", Encoding.UTF8.GetString(bytes.AsSpan((int)fields.ModelOffset, (int)fields.ModelLength)));
    }

    [Theory]
    [InlineData("""{"model":"m"}""", "\"m\"")]
    [InlineData("""  { "a" : [1, 2.5e7, {"b":"c"}] , "model" :   "some/model:tag"  , "stream" : true }""", "\"some/model:tag\"")]
    [InlineData("""{"mod\u0065l":"\u0041€𝄞\""}""", """
        "\u0041€𝄞\""
        """)]
    [InlineData("\uFEFF { \"x\":\"€\", \"model\": null }", "null")]
    public void Read_AnySegmentation_GivesTheSameOffsets(string body, string value)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var random = new Random(3);
        for (var i = 0; i < 200; i++)
        {
            Assert.Null(TopLevelFields.TryRead(Pieces.Sequence(bytes, random), out var fields));
            Assert.Equal(value, Encoding.UTF8.GetString(bytes.AsSpan((int)fields.ModelOffset, (int)fields.ModelLength)));
            Assert.Equal((byte)'{', bytes[fields.FirstField - 1]);
        }
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("{ \n }", true)]
    [InlineData("""{"x":1}""", false)]
    public void Read_WithoutModel_SaysWhereOneCouldBePut(string body, bool empty)
    {
        var fields = Read(body);

        Assert.Equal((-1, 1, empty), (fields.ModelOffset, fields.FirstField, fields.IsEmpty));
    }

    private static TopLevelFields Read(string body)
    {
        var error = TopLevelFields.TryRead(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(body)), out var fields);
        Assert.True(error is null, error?.Message);
        return fields;
    }
}
