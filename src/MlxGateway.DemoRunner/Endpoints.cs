using System.Text.Json;

namespace MlxGateway.DemoRunner;

/// <summary>Everything that can be asked of the runner. A switch and no routing: a table of six routes would take longer to build than the rest of the start.</summary>
internal sealed class Endpoints(RunnerOptions options, Loading loading, RequestLog log, TimeProvider time)
{
    private readonly Standstill _standstill = new(time);
    private readonly long _started = time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Serves one request.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        if (context.Request.Path.StartsWithSegments("/demo") && loading.IsReady && !options.HangAccept)
        {
            await ServeTestAsync(context);
            return;
        }

        log.Began();
        var left = false;
        try
        {
            await ServeClientAsync(context);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or System.Net.Sockets.SocketException)
        {
            // The client left, or a connection that is gone was written to: the same thing seen from two sides.
            left = true;
        }
        finally
        {
            log.Ended(left);
        }
    }

    private Task ServeTestAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/demo/requests" => Answers.JsonAsync(context, log.CountsAsJson()),
        "/demo/last" when log.LastAsJson() is { } last => Answers.JsonAsync(context, last),
        _ => Answers.ErrorAsync(context, 404, "There is nothing here."),
    };

    private async Task ServeClientAsync(HttpContext context)
    {
        if (options.HangAccept)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, context.RequestAborted);
        }

        await _standstill.WaitIfBegunAsync(context.RequestAborted);
        if (!loading.IsReady)
        {
            await Answers.ErrorAsync(context, 503, "Loading model", options.Answer.ErrorShape);
            return;
        }

        var path = context.Request.Path;
        if (options.RequireKey is { } key && path.StartsWithSegments("/v1") && context.Request.Headers.Authorization != $"Bearer {key}")
        {
            await Answers.ErrorAsync(context, 401, "The key is missing or wrong.", options.Answer.ErrorShape);
            return;
        }

        await ((context.Request.Method, path.Value) switch
        {
            ("GET", "/health") => Answers.JsonAsync(context, """{"status":"ok"}"""u8.ToArray()),
            ("GET", "/v1/models") => Answers.JsonAsync(context, Models()),
            ("POST", "/v1/chat/completions") => CompleteAsync(context, isChat: true),
            ("POST", "/v1/completions") => CompleteAsync(context, isChat: false),
            ("POST", "/v1/embeddings") => EmbedAsync(context),
            ("GET", "/v1/realtime") => Echo.ServeAsync(context),
            _ => RefuseAsync(context),
        });
    }

    // What is posted to a route that is not here is noted all the same, so that a test sees what came.
    private async Task RefuseAsync(HttpContext context)
    {
        if (HttpMethods.IsPost(context.Request.Method))
        {
            using var buffer = new MemoryStream();
            await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
            log.Received(context.Request, buffer.ToArray());
        }

        await Answers.ErrorAsync(context, 404, $"There is no {context.Request.Method} {context.Request.Path}.", options.Answer.ErrorShape);
    }

    private byte[] Models() => Json.Write(json =>
    {
        json.WriteString("object", "list");
        json.WriteStartArray("data");
        json.WriteStartObject();
        json.WriteString("id", options.Model);
        json.WriteString("object", "model");
        json.WriteNumber("created", _started);
        json.WriteString("owned_by", "demo");
        json.WriteEndObject();
        json.WriteEndArray();
    });

    private Task CompleteAsync(HttpContext context, bool isChat) => WithBodyAsync(context, async body =>
    {
        var request = CompletionRequest.Read(body, isChat, options.Model);
        var plan = AnswerSwitches.Override(options.Answer, body);
        if (options.AnswerUntil is { } file)
        {
            await AwaitedFile.IsThereAsync(file, time, context.RequestAborted);
        }

        if (plan.Status is { } status)
        {
            await Task.Delay(plan.Prefill, time, context.RequestAborted);
            await Answers.ErrorAsync(context, status, "This error was asked for.", plan.ErrorShape);
            return;
        }

        var utterance = Utterance.Of(plan, request, options.Model);
        var format = new CompletionFormat(request, time.GetUtcNow().ToUnixTimeSeconds(), utterance.CallsTool);
        IWire wire = plan.NeedsRawWire(request.Stream) ? new RawWire(context, plan.CloseDelimited) : new KestrelWire(context);
        await new CompletionAnswer(plan, request, utterance, format, wire, _standstill, time).SendAsync(context.RequestAborted);
    });

    private Task EmbedAsync(HttpContext context) => WithBodyAsync(context, body => Answers.JsonAsync(context, Embeddings.Answer(body, options.Model)));

    private async Task WithBodyAsync(HttpContext context, Func<JsonElement, Task> answer)
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
        var bytes = buffer.ToArray();
        log.Received(context.Request, bytes);
        if (!Json.TryParse(bytes, out var document))
        {
            await Answers.ErrorAsync(context, 400, "The body is not JSON.", options.Answer.ErrorShape);
            return;
        }

        using (document)
        {
            try
            {
                await answer(document.RootElement);
            }
            catch (FormatException error)
            {
                await Answers.ErrorAsync(context, 400, $"The request is wrong: {error.Message}.", options.Answer.ErrorShape);
            }
        }
    }
}
