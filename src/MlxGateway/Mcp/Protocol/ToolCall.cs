using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace MlxGateway.Mcp.Protocol;

/// <summary>One call of a tool: who calls, and how they are told how far it is.</summary>
/// <param name="Caller">Who calls; null: nobody is told apart.</param>
/// <param name="Server">Through what notifications go.</param>
/// <param name="Token">What the client's notifications of progress are marked with; null: it wants none.</param>
internal sealed record ToolCall(ICaller? Caller, McpServer Server, ProgressToken? Token)
{
    private float _last = float.NegativeInfinity;

    /// <summary>Whether anybody wants to know how far it is.</summary>
    public bool WantsProgress => Token is not null;

    /// <summary>Whether the caller may use the model, and is shown it.</summary>
    public bool MayUse(ModelSpec model) => Caller?.MayUse(model) != false;

    /// <summary>Says how far it is. Numbers that do not grow are not sent: the protocol forbids them.</summary>
    public async Task ReportAsync(double progress, double? total, string message, CancellationToken cancellationToken)
    {
        // As it is sent: of large numbers two that differ may be one there.
        if (Token is { } token && (float)progress > _last)
        {
            _last = (float)progress;
            await Server.NotifyProgressAsync(token, new ProgressNotificationValue { Progress = _last, Total = (float?)total, Message = message }, cancellationToken: cancellationToken);
        }
    }
}

/// <summary>What a tool may do to the world, as agents are told before they ask their person.</summary>
[Flags]
internal enum ToolEffect
{
    /// <summary>It changes something, adds more than it takes, and does so again when it is called again.</summary>
    None = 0,

    /// <summary>It only looks.</summary>
    ReadOnly = 1,

    /// <summary>It may end what somebody uses.</summary>
    Destructive = 2,

    /// <summary>Called twice it does no more than once.</summary>
    Idempotent = 4,

    /// <summary>It goes out to the network.</summary>
    OpenWorld = 8,
}

/// <summary>A tool cannot do what it was asked. The message says why and what to do.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="advice">What can be done; null: the message says it.</param>
internal sealed class ToolFailedException(string message, string? advice = null) : Exception(message)
{
    /// <summary>What can be done. Apart from the message, whose words some clients know.</summary>
    public string? Advice { get; } = advice;
}
