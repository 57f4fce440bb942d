using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace MlxGateway.Hosting;

/// <summary>A connection that one address of the server accepted and another one serves. What the second sets of it is its own; when it is through, the first goes on and closes it.</summary>
internal sealed class HandedOverConnection(ConnectionContext accepted) : ConnectionContext
{
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the other address is through with it.</summary>
    public Task Over => _over.Task;

    /// <inheritdoc/>
    public override string ConnectionId { get => accepted.ConnectionId; set => accepted.ConnectionId = value; }

    /// <inheritdoc/>
    public override IFeatureCollection Features { get; } = new FeatureCollection(accepted.Features);

    /// <inheritdoc/>
    public override IDictionary<object, object?> Items { get => accepted.Items; set => accepted.Items = value; }

    /// <inheritdoc/>
    public override IDuplexPipe Transport { get => accepted.Transport; set => accepted.Transport = value; }

    /// <inheritdoc/>
    public override CancellationToken ConnectionClosed { get => accepted.ConnectionClosed; set => accepted.ConnectionClosed = value; }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint { get => accepted.LocalEndPoint; set => accepted.LocalEndPoint = value; }

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint { get => accepted.RemoteEndPoint; set => accepted.RemoteEndPoint = value; }

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason) => accepted.Abort(abortReason);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        _over.TrySetResult();
        return base.DisposeAsync(); // which does nothing: closing is for who accepted
    }
}
