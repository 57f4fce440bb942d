using System.Text.Json.Nodes;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace MlxGateway.Mcp.Protocol;

/// <summary>From its revision of 2026-07-28 on the protocol has messages say in headers what is in their body, for those who stand between and do not look into it. They must not be told anything else than what is done.</summary>
internal static class HeaderAgreement
{
    private const string First = "2026-07-28";

    // A client that speaks another must be told so by the status already, before its message is looked at.
    private static readonly string[] Known = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", First];

    /// <summary>Whether a message may name this revision of the protocol; empty: it names none.</summary>
    public static bool IsKnown(string version) => version.Length == 0 || Known.Contains(version);

    /// <summary>What is said of one that it may not name; a client that speaks several finds in it another to try.</summary>
    public static JsonRpcErrorDetail Unknown(string version) => new()
    {
        Code = (int)McpErrorCode.UnsupportedProtocolVersion,
        Message = $"The revision '{version}' of the protocol is not spoken here, but {string.Join(", ", Known)}.",
        Data = new JsonObject { ["supported"] = new JsonArray([.. Known.Select(static v => JsonValue.Create(v))]), ["requested"] = version },
    };

    /// <summary>What the headers say that the body does not; null: nothing.</summary>
    public static string? Check(IHeaderDictionary headers, string version, JsonRpcRequest request)
    {
        if (string.CompareOrdinal(version, First) < 0)
        {
            return null;
        }

        var method = headers["Mcp-Method"].ToString();
        if (method != request.Method)
        {
            return $"The header Mcp-Method says '{method}', and the body '{request.Method}'.";
        }

        if (request.Method != RequestMethods.ToolsCall)
        {
            return null;
        }

        var (named, called) = (headers["Mcp-Name"].ToString(), request.Params?["name"]?.ToString());
        return named == called ? null : $"The header Mcp-Name says '{named}', and the body '{called}'.";
    }
}
