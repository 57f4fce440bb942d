using System.Net;
using Microsoft.Extensions.DependencyInjection;
using MlxGateway.ContextWindow;
using MlxGateway.Inference;
using MlxGateway.Inference.Answers;
using MlxGateway.Inference.Asking;
using MlxGateway.RemoteImages;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Tests.Inference.Asking;

/// <summary>All that a request can go through on its way to a runner, in the order of the gateway's own, without a runner.</summary>
internal sealed class ShapingChain
{
    private readonly IRequestShaper[] _shapers;

    /// <param name="fetcher">Gets images that are named by their addresses; null: there are none, and nothing is done that would have to be waited for.</param>
    public ShapingChain(ImageFetcher? fetcher)
    {
        var ratios = new TokenRatios();
        var window = new ContextWindowOptions();
        _shapers =
        [
            new OfferedRoutes(Kinds), new EngineRules(Kinds), new WithoutForeignParts(Kinds), new UnaskedUsage(Kinds),
            .. fetcher is null ? Array.Empty<IRequestShaper>() :
            [
                new RemoteImageShaper(fetcher, new RemoteImageOptions(), TimeProvider.System),
                new FittingConversations(new RunnerWindows(), new TokenCounter(ratios, window), ratios, new SummaryShelf(8), window),
            ],
        ];
    }

    /// <summary>Every kind of runner, as the gateway knows them.</summary>
    public static RunnerKinds Kinds { get; } = new ServiceCollection()
        .AddLogging()
        .AddProcesses(new ProcessesOptions())
        .AddRunners(new EngineOptions())
        .BuildServiceProvider()
        .GetRequiredService<RunnerKinds>();

    /// <summary>A request for an engine, as it is once its body has been read. It ends with its exchange.</summary>
    public static InferenceExchange Exchange(InferenceRequest request, ClientExchange client)
    {
        var response = new ClientResponse(client.Context, request.Route, new StreamOptions(), TimeProvider.System);
        return new InferenceExchange(client.Context, request.Route, response, new RequestRecord { Id = "r", Route = request.Route.Path }, 0) { Request = request };
    }

    /// <summary>Shapes a request. Returns why it is refused; null: what <see cref="InferenceRequest.OpenBody"/> gives is what the engine gets.</summary>
    public async ValueTask<GatewayError?> RunAsync(InferenceExchange exchange, ModelSpec model)
    {
        var manners = Kinds.MannersFor(model)!;
        foreach (var shaper in _shapers)
        {
            if (await shaper.ShapeAsync(exchange, model) is { } error)
            {
                return error;
            }
        }

        using var lease = new ModelLease(model, 1, new StubRunner(1) { Manners = manners }, new Revocation(), TimeSpan.Zero, TimeSpan.Zero, static _ => { });
        foreach (var shaper in _shapers)
        {
            if (await shaper.ShapeForRunnerAsync(exchange, lease) is { } error)
            {
                return error;
            }
        }

        if (manners.AsksForStreams && !exchange.Request.Stream)
        {
            exchange.Request.AskForStream();
        }

        exchange.Request.NameModel(manners.UpstreamModel);
        return null;
    }
}
