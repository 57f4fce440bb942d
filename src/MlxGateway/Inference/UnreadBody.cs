using System.Buffers;

namespace MlxGateway.Inference;

/// <summary>What is left of a body that was refused in the middle.</summary>
internal static class UnreadBody
{
    private const long Most = 1L << 30;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    /// <summary>Reads it and throws it away, within bounds. Most clients read the answer only when they have sent everything; a connection that is closed before that shows them a broken pipe in its place.</summary>
    public static async Task DrainAsync(HttpContext context, TimeProvider time)
    {
        await context.Response.CompleteAsync();
        using var bound = new CancellationTokenSource(Longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(bound.Token, context.RequestAborted);
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            long drained = 0;
            int read;
            while (drained < Most && (read = await context.Request.Body.ReadAsync(buffer, either.Token)) > 0)
            {
                drained += read;
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException or BadHttpRequestException)
        {
            // Enough was done, or the client is gone.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
