using System.Text;

namespace MlxGateway.DemoRunner;

/// <summary>Gives one completion to the client, with whatever is planned to go wrong.</summary>
internal sealed class CompletionAnswer(AnswerPlan plan, CompletionRequest request, Utterance utterance, CompletionFormat format, IWire wire, Standstill standstill, TimeProvider time)
{
    /// <summary>Answers. Cancelled when the client is gone.</summary>
    public async Task SendAsync(CancellationToken cancellationToken)
    {
        await (plan.Busy ? Task.Run(() => Compute(plan.Prefill, cancellationToken), cancellationToken) : PauseAsync(plan.Prefill, cancellationToken));
        await (request.Stream ? StreamAsync(cancellationToken) : WholeAsync(cancellationToken));
    }

    private async Task StreamAsync(CancellationToken cancellationToken)
    {
        if (await FailsAsync(0, cancellationToken))
        {
            return;
        }

        await wire.StartAsync(200, "text/event-stream", null, cancellationToken);
        var chunks = 0;
        foreach (var piece in utterance.Pieces)
        {
            await PauseAsync(plan.TokenDelay, cancellationToken);
            await wire.WriteAsync(format.Chunk(piece), cancellationToken);
            if (await FailsAsync(++chunks, cancellationToken))
            {
                return;
            }
        }

        await wire.WriteAsync(format.Finish(utterance.FinishReason), cancellationToken);
        if (request.IncludeUsage)
        {
            await wire.WriteAsync(format.UsageChunk(chunks), cancellationToken);
        }

        await wire.WriteAsync("data: [DONE]\n\n"u8.ToArray(), cancellationToken);
        if (plan.ResetAtEnd)
        {
            wire.Reset();
            return;
        }

        await wire.EndAsync(cancellationToken);
    }

    private async Task WholeAsync(CancellationToken cancellationToken)
    {
        if (await FailsAsync(0, cancellationToken))
        {
            return;
        }

        var text = new StringBuilder();
        var tokens = 0;
        foreach (var piece in utterance.Pieces)
        {
            await PauseAsync(plan.TokenDelay, cancellationToken);
            tokens++;
            if (plan.FaultAfter(tokens) != Fault.None)
            {
                break;
            }

            if (!plan.Endless)
            {
                text.Append(piece);
            }
            else
            {
                // Without a delay nothing above waits: the client's leaving must still be noticed.
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        var body = format.Whole(text.ToString(), tokens, utterance.FinishReason);
        await wire.StartAsync(200, "application/json", body.Length, cancellationToken);
        if (plan.FaultAfter(tokens) != Fault.None)
        {
            // There are no chunks in a whole answer: half of it is what got out.
            await wire.WriteAsync(body.AsMemory(0, body.Length / 2), cancellationToken);
            await FailsAsync(tokens, cancellationToken);
            return;
        }

        await wire.WriteAsync(body, cancellationToken);
        await wire.EndAsync(cancellationToken);
    }

    /// <summary>Carries out what is planned to go wrong now, and says whether that was the end.</summary>
    private async Task<bool> FailsAsync(int chunks, CancellationToken cancellationToken)
    {
        switch (plan.FaultAfter(chunks))
        {
            case Fault.Die:
                Relatives.Die();
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
                return true;
            case Fault.Reset:
                wire.Reset();
                return true;
            case Fault.Cut:
                if (chunks == 0)
                {
                    await wire.StartAsync(200, request.Stream ? "text/event-stream" : "application/json", null, cancellationToken);
                }

                await wire.EndAsync(cancellationToken);
                return true;
            case Fault.Freeze:
                await standstill.BeginAsync(cancellationToken);
                return true;
            case Fault.Hang:
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
                return true;
            default:
                return false;
        }
    }

    private void Compute(TimeSpan howLong, CancellationToken cancellationToken)
    {
        for (var since = time.GetTimestamp(); time.GetElapsedTime(since) < howLong;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Thread.SpinWait(1000);
        }
    }

    private Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken) =>
        pause > TimeSpan.Zero ? Task.Delay(pause, time, cancellationToken) : Task.CompletedTask;
}
