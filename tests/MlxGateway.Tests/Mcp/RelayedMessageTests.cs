using System.Text;
using MlxGateway.Mcp.Stdio;
using Xunit;

namespace MlxGateway.Tests.Mcp;

public sealed class RelayedMessageTests
{
    [Fact]
    public void Message_IsReadAsFarAsARelayMust()
    {
        var call = RelayedMessage.Read("""{"jsonrpc":"2.0","id":"\u0061","method":"tools/call","params":{"name":"explain","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}""")!;
        var cancel = RelayedMessage.Read("""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}""")!;
        var agreed = RelayedMessage.Read("""{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}""")!;

        Assert.Equal(("\"a\"", "tools/call", "explain", "2026-07-28"), (call.Id, call.Method, call.Name, call.Version));
        Assert.Equal((null, "7"), (cancel.Id, cancel.CancelledId));
        Assert.Equal(("1", null, "2025-06-18"), (agreed.Id, agreed.Method, agreed.AgreedVersion));
        Assert.Equal("no key", RelayedMessage.ErrorIn("""{"error":{"message":"no key","code":"invalid_api_key"}}"""));
    }

    [Fact]
    public void Id_IsTheSameHoweverItIsWritten() =>
        Assert.Equal(RelayedMessage.Read("""{"jsonrpc":"2.0","id":"a+b/ü'","method":"ping"}""")!.Id, RelayedMessage.Read("""{"jsonrpc":"2.0","id":"a\u002Bb\/\u00fc\u0027","result":{}}""")!.Id);

    [Fact]
    public void Anything_IsReadWithoutAFault()
    {
        var random = new Random(20261129);
        var seed = Encoding.UTF8.GetBytes("""{"jsonrpc":"2.0","id":1,"method":"notifications/cancelled","params":{"name":{},"requestId":[1],"_meta":[]},"result":"x","error":{"message":{}}}""");
        var rounds = 1000 * int.Parse(Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_FUZZ") ?? "3", System.Globalization.CultureInfo.InvariantCulture);
        for (var i = 0; i < rounds; i++)
        {
            var bytes = seed.ToArray();
            for (var edits = random.Next(1, 4); edits > 0; edits--)
            {
                bytes[random.Next(bytes.Length)] = (byte)"{}[]\",:0123nulltrue \\x"[random.Next(22)];
            }

            var text = Encoding.UTF8.GetString(bytes);
            _ = RelayedMessage.Read(text);
            _ = RelayedMessage.ErrorIn(text);
        }
    }
}
