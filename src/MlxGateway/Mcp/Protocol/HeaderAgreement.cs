using ModelContextProtocol.Protocol;

namespace MlxGateway.Mcp.Protocol;

/// <summary>From its revision of 2026-07-28 on the protocol has messages say in headers what is in their body, for those who stand between and do not look into it. They must not be told anything else than what is done.</summary>
internal static class HeaderAgreement
{
    private const string First = "2026-07-28";

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
