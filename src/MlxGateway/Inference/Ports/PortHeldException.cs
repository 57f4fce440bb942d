using System.Net.Sockets;

namespace MlxGateway.Inference.Ports;

/// <summary>Why a port cannot be opened.</summary>
internal enum PortObstacle
{
    /// <summary>Another model is served there by this gateway.</summary>
    AnotherModel,

    /// <summary>The gateway itself is asked there.</summary>
    TheGateway,

    /// <summary>Another program has it.</summary>
    AnotherProgram,

    /// <summary>The system does not let this user listen there.</summary>
    NotAllowed,

    /// <summary>The system has another reason.</summary>
    Other,
}

/// <summary>A port cannot be opened.</summary>
/// <param name="obstacle">Why.</param>
/// <param name="reason">Why, in the system's words.</param>
internal sealed class PortHeldException(PortObstacle obstacle, string reason) : Exception(reason)
{
    /// <summary>Why.</summary>
    public PortObstacle Obstacle => obstacle;

    /// <summary>What the system's refusal means.</summary>
    public static PortHeldException Of(SocketException refused, bool isOwn) => new(
        refused.SocketErrorCode switch
        {
            SocketError.AddressAlreadyInUse => isOwn ? PortObstacle.TheGateway : PortObstacle.AnotherProgram,
            SocketError.AccessDenied => PortObstacle.NotAllowed,
            _ => PortObstacle.Other,
        },
        refused.Message);
}
