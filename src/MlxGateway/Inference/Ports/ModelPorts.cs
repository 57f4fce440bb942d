using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Ports;

/// <summary>The ports on which single models are served.</summary>
internal sealed partial class ModelPorts(PortListener listener, PortFile file, ModelCatalog catalog, IModelPool pool, IModelDownloads downloads, IServer server, ILogger<ModelPorts> logger)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<int, Entry> _open = [];

    /// <summary>Those that are open, ordered by number.</summary>
    public IReadOnlyList<ModelPort> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _open.Values.Select(static e => e.Port)];
            }
        }
    }

    /// <summary>The open port of this number; null: there is none of this gateway's.</summary>
    public ModelPort? Find(int number)
    {
        lock (_lock)
        {
            return _open.GetValueOrDefault(number)?.Port;
        }
    }

    /// <summary>Whether the gateway itself, with all its models, is asked on this port.</summary>
    public bool IsOwn(int number) => server.Features.Get<IServerAddressesFeature>()?.Addresses
        .Any(a => Uri.TryCreate(a, UriKind.Absolute, out var own) && own.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6 && own.Port == number) == true;

    /// <summary>Serves a model on a port from now on. It is not loaded by that.</summary>
    /// <exception cref="PortHeldException">Somebody has it, this gateway perhaps, or it may not be listened on.</exception>
    public ModelPort Open(int number, string modelId)
    {
        lock (_lock)
        {
            if (_open.TryGetValue(number, out var taken))
            {
                throw new PortHeldException(PortObstacle.AnotherModel, $"It serves '{taken.Port.ModelId}'");
            }

            var port = new ModelPort(number, modelId);
            try
            {
                _open.Add(number, new Entry(port, listener.Listen(port)));
            }
            catch (SocketException failed)
            {
                throw PortHeldException.Of(failed, IsOwn(number));
            }

            Log.Opened(logger, number, modelId);
            return port;
        }
    }

    /// <summary>Serves another model on an open port.</summary>
    public void Assign(ModelPort port, string modelId)
    {
        port.ModelId = modelId;
        Log.Opened(logger, port.Number, modelId);
        Remember(port);
    }

    /// <summary>Sees to it that the port is opened again when the gateway is started the next time, and that what is being fetched for it then still is.</summary>
    public void Remember(ModelPort port)
    {
        port.IsRemembered = true;
        Write(port.Number, new KeptPort(port.ModelId, port.Download is not null));
    }

    /// <summary>Ends a port, and forgets it. Its model stays where it is; what is being answered is answered to its end.</summary>
    public void Close(ModelPort port)
    {
        lock (_lock)
        {
            if (!_open.Remove(port.Number, out var entry))
            {
                return;
            }

            port.Close();
            entry.Listening.Dispose();
        }

        Log.Closed(logger, port.Number);
        Write(port.Number, null);
    }

    /// <summary>Loads the model of a port. It stays for its idle time, like after a request.</summary>
    /// <param name="port">The port.</param>
    /// <param name="terms">On what terms.</param>
    /// <param name="cancellationToken">Ends the wait; a launch that has begun goes on.</param>
    /// <returns>Null when it is ready; otherwise why it will not be.</returns>
    public async Task<GatewayError?> LoadAsync(ModelPort port, LeaseTerms terms, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, port.Closed);
        GatewayError? error;
        try
        {
            error = await TryLoadAsync(port.ModelId, terms, enough.Token);
        }
        catch (OperationCanceledException) when (port.IsClosed && !cancellationToken.IsCancellationRequested)
        {
            error = new GatewayError(StatusCodes.Status503ServiceUnavailable, "load_cancelled", $"Port {port.Number} was closed before its model was loaded.");
        }

        port.Trouble = error?.Message;
        return error;
    }

    /// <summary>Fetches the model of a port from the Hub, and loads it. Only ever for somebody who asked for that.</summary>
    /// <returns>Null when it is ready; otherwise why it will not be.</returns>
    public async Task<GatewayError?> FetchAndLoadAsync(ModelPort port, LeaseTerms terms, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, port.Closed);
        var last = port.Download = downloads.Start(port.ModelId);
        try
        {
            await foreach (var status in downloads.WatchAsync(port.ModelId, enough.Token))
            {
                last = port.Download = status;
            }
        }
        catch (OperationCanceledException) when (port.IsClosed && !cancellationToken.IsCancellationRequested)
        {
            // Whoever else wants the model has it once it is here.
        }

        // What this gateway cannot fetch to its end, because it ends, the next one does.
        port.Download = null;
        if (port is { IsRemembered: true, IsClosed: false } && last.Code != DownloadStatus.ShuttingDown)
        {
            Remember(port);
        }

        if (last.State != DownloadState.Succeeded && !port.IsClosed)
        {
            if (last.Code == "invalid_request" && catalog.Current.Find(port.ModelId) is { Missing: not null } known)
            {
                return Refusals.MissingFiles(known); // it does not come from the Hub
            }

            port.Trouble = last.Error ?? "Its download was ended.";
            return new GatewayError(StatusCodes.Status502BadGateway, "download_failed", $"'{port.ModelId}' could not be downloaded: {port.Trouble}");
        }

        if ((last.Model ?? catalog.Current.Resolve(port.ModelId)?.Id) is { } name && name != port.ModelId)
        {
            Assign(port, name);
        }

        return await LoadAsync(port, terms, cancellationToken);
    }

    private async Task<GatewayError?> TryLoadAsync(string modelId, LeaseTerms terms, CancellationToken cancellationToken)
    {
        if (catalog.Current.Find(modelId) is not { } model)
        {
            return Refusals.UnknownModel(modelId, catalog.Current, caller: null);
        }

        if (model.Missing is not null)
        {
            return Refusals.MissingFiles(model);
        }

        try
        {
            using var lease = await pool.AcquireAsync(model, terms, cancellationToken);
            await pool.UntilShownAsync(lease, cancellationToken);
            return null;
        }
        catch (LeaseRefusedException refused)
        {
            return Refusals.From(refused);
        }
    }

    // A port that works and is forgotten at the next start is better than none.
    private void Write(int port, KeptPort? kept)
    {
        try
        {
            lock (_lock)
            {
                file.Write(port, kept);
            }
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            Log.NotWritten(logger, port, failed.Message);
        }
    }

    private sealed record Entry(ModelPort Port, IDisposable Listening);

    private static partial class Log
    {
        [LoggerMessage(4021, LogLevel.Information, "Port {Port} serves model {Model}.")]
        public static partial void Opened(ILogger logger, int port, string model);

        [LoggerMessage(4022, LogLevel.Information, "Port {Port} is closed.")]
        public static partial void Closed(ILogger logger, int port);

        [LoggerMessage(4024, LogLevel.Warning, "What port {Port} serves could not be written down, and will be forgotten at the next start: {Reason}.")]
        public static partial void NotWritten(ILogger logger, int port, string reason);
    }
}
