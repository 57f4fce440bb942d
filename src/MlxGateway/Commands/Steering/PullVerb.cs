using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Commands.Steering;

/// <summary><c>pull</c>: a model is downloaded, by the gateway.</summary>
internal static class PullVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var id = new Argument<string?>("ID") { Description = "The repository, as ORG/NAME; without it the downloads that run are listed", Arity = ArgumentArity.ZeroOrOne };
        var cancel = new Option<bool>("--cancel") { Description = "Calls a running download off; what is there already is used by the next" };
        return tools.Calling(
            "pull",
            "Downloads a model and shows how far it is; it goes on if you leave with Ctrl+C",
            (gateway, parse, cancellationToken) => (parse.GetValue(id), parse.GetValue(cancel)) switch
            {
                (null, true) => Task.FromResult(tools.Fail(Exits.Usage, "Name the model whose download is to be called off.")),
                (null, false) => ListAsync(tools, gateway, parse.GetValue(CallOptions.Json), cancellationToken),
                ({ } model, true) => CancelAsync(tools, gateway, model, parse.GetValue(CallOptions.Json), cancellationToken),
                ({ } model, false) => PullAsync(tools, gateway, model, parse.GetValue(CallOptions.Json), cancellationToken),
            },
            id,
            cancel);
    }

    private static async Task<int> ListAsync(Tools tools, GatewayClient gateway, bool asJson, CancellationToken cancellationToken)
    {
        var pulls = await gateway.GetAsync("/api/pull", cancellationToken);
        if (asJson)
        {
            return tools.Pass(pulls);
        }

        var all = pulls.Json.Entries("pulls").ToList();
        foreach (var pull in all)
        {
            tools.Terminal.Out.WriteLine(Terminal.Clean(Words(pull)));
        }

        if (all.Count == 0)
        {
            tools.Terminal.Out.WriteLine("Nothing is being downloaded.");
        }

        return Exits.Done;
    }

    private static async Task<int> CancelAsync(Tools tools, GatewayClient gateway, string model, bool asJson, CancellationToken cancellationToken)
    {
        var cancelled = await gateway.SendAsync(HttpMethod.Delete, $"/api/pull?model={Uri.EscapeDataString(model)}", null, cancellationToken);
        if (asJson)
        {
            return tools.Pass(cancelled);
        }

        tools.Terminal.Out.WriteLine(Terminal.Clean($"The download of {model} was called off."));
        return Exits.Done;
    }

    private static async Task<int> PullAsync(Tools tools, GatewayClient gateway, string model, bool asJson, CancellationToken cancellationToken)
    {
        using var stream = await gateway.OpenAsync(HttpMethod.Post, "/api/pull", $$"""{"model":{{JsonSerializer.Serialize(model)}},"stream":true}""", cancellationToken);
        var shown = new StatusLine(tools.Terminal);
        var isDone = false;
        try
        {
            await foreach (var line in gateway.LinesAsync(stream, cancellationToken))
            {
                if (line.Length == 0)
                {
                    continue;
                }

                if (asJson)
                {
                    await tools.Terminal.Out.WriteLineAsync(line);
                }

                var news = new GatewayReply(line).Json;
                if (news.At("error") is not null)
                {
                    shown.Clear();
                    return asJson ? Exits.Refused : tools.Fail(Exits.Refused, GatewayClient.Refusal(line, 200));
                }

                isDone = news.Text("status") == "success";
                shown.Show(isDone ? "" : Words(news));
            }
        }
        finally
        {
            shown.Clear();
        }

        if (!isDone)
        {
            return tools.Fail(Exits.NoGateway, $"The gateway went away before {model} was whole. What is there already is used by the next: MlxGateway pull {model}");
        }

        if (!asJson)
        {
            tools.Terminal.Out.WriteLine(Terminal.Clean($"{model} is here."));
        }

        return Exits.Done;
    }

    /// <summary>For example <c>pulling org/name 43 % of 2.10 GB, 12.00 MB/s, 1 min to go</c>.</summary>
    internal static string Words(JsonElement news)
    {
        var (total, done) = (news.Size("total"), news.Size("completed"));
        var far = (done, total) switch
        {
            ({ } some, { Bytes: > 0 } all) => string.Create(CultureInfo.InvariantCulture, $" {Math.Clamp(100.0 * some.Bytes / all.Bytes, 0, 100):0} % of {all}"),
            ({ } some, _) => $" {some}",
            _ => "",
        };
        return $"{news.Text("status") ?? "pulling"} {news.Text("model")}{far}"
            + (news.Number("rate_bytes_per_second") is { } rate and > 0 ? $", {new ByteSize((long)rate)}/s" : "")
            + (news.Seconds("eta_seconds") is { } eta ? $", {Spans.Of(eta)} to go" : "");
    }
}
