using System.Diagnostics.CodeAnalysis;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace MlxGateway.DemoRunner;

/// <summary>A WebSocket that says everything back. Its first message is the query that it was opened with, or the headers, each on a line, where that asks for them.</summary>
internal static class Echo
{
    // RFC 6455, section 1.3.
    private const string Salt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>Opens it and serves it until it is closed.</summary>
    [SuppressMessage("Security", "CA5350", Justification = "The handshake is defined with it, and guards nothing.")]
    public static async Task ServeAsync(HttpContext context)
    {
        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        if (upgrade is not { IsUpgradableRequest: true } || context.Request.Headers.SecWebSocketKey is not [{ } key])
        {
            await Answers.ErrorAsync(context, 400, "This is a WebSocket.");
            return;
        }

        var headers = context.Response.Headers;
        headers.Connection = "Upgrade";
        headers.Upgrade = "websocket";
        headers.SecWebSocketAccept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Salt)));
        if (context.Request.Headers.SecWebSocketProtocol is [{ } protocols])
        {
            headers.SecWebSocketProtocol = protocols.Split(',')[0].Trim();
        }

        var first = context.Request.Query["tell"] == "headers" ? string.Join('\n', context.Request.Headers.Select(static h => $"{h.Key}: {h.Value}")) : context.Request.QueryString.ToString();
        await using var stream = await upgrade.UpgradeAsync();
        using var socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true });
        await socket.SendAsync(Encoding.UTF8.GetBytes(first), WebSocketMessageType.Text, endOfMessage: true, context.RequestAborted);
        var buffer = new byte[64 * 1024];
        while (await socket.ReceiveAsync(buffer, context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } received)
        {
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, socket.CloseStatusDescription, context.RequestAborted);
    }
}
