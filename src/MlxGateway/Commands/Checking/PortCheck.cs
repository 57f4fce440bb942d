using System.Net;
using System.Net.Sockets;
using MlxGateway.Commands.Calls;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Commands.Checking;

/// <summary>Whether the ports are free, and who has them otherwise: a gateway that runs, or a stranger.</summary>
internal sealed class PortCheck(IReadOnlyList<IPEndPoint> listens, TimeProvider time) : ICheck
{
    private const string Area = "Port";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        var findings = new List<Finding>();
        foreach (var listen in listens.Where(static l => l.Port != 0))
        {
            findings.Add(await LookAsync(listen, cancellationToken));
        }

        return findings;
    }

    private async Task<Finding> LookAsync(IPEndPoint listen, CancellationToken cancellationToken)
    {
        if (Refusal(listen) is not { } error)
        {
            return new Finding(Area, Verdict.Ok, $"{listen} is free: no gateway runs there yet.");
        }

        if (error != SocketError.AddressAlreadyInUse)
        {
            return new Finding(Area, Verdict.Problem, $"{listen} cannot be listened on: {error}.", "MlxGateway serve --port 1234");
        }

        var holder = PortHolder.Describe(listen.Port);
        return await GreetAsync(listen, cancellationToken) is { } gateway
            ? new Finding(Area, Verdict.Ok, $"{gateway} runs at {listen}{(holder is null ? "" : $", {holder}")}.")
            : new Finding(Area, Verdict.Problem, $"{listen} is taken by {holder ?? "another program"}, so that the gateway would not start.", $"MlxGateway serve --port {NextFree(listen)}");
    }

    // Null: it can be listened on.
    private static SocketError? Refusal(IPEndPoint listen)
    {
        using var socket = new Socket(listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(listen);
            return null;
        }
        catch (SocketException refused)
        {
            return refused.SocketErrorCode;
        }
    }

    private static int NextFree(IPEndPoint taken)
    {
        var port = taken.Port + 1;
        while (port < ushort.MaxValue && Refusal(new IPEndPoint(taken.Address, port)) is not null)
        {
            port++;
        }

        return port;
    }

    // One that wants a key says so in the gateway's own words.
    private async Task<string?> GreetAsync(IPEndPoint listen, CancellationToken cancellationToken)
    {
        var here = listen.Address.Equals(IPAddress.Any) || listen.Address.Equals(IPAddress.IPv6Any) ? IPAddress.Loopback : listen.Address;
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = Patience });
        try
        {
            using var response = await http.GetAsync(new UriBuilder("http", here.ToString(), listen.Port, "/api/version").Uri, either.Token);
            var json = new GatewayReply(await response.Content.ReadAsStringAsync(either.Token)).Json;
            return json.Text("version") is { } version ? $"MlxGateway {version}"
                : json.At("error")?.Text("code") is "invalid_api_key" or "insufficient_scope" ? "MlxGateway"
                : null;
        }
        catch (Exception stranger) when (stranger is HttpRequestException or CommandFailure or IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
