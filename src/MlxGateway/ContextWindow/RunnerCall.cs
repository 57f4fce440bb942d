using System.Net.Http.Headers;
using System.Text.Json;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.ContextWindow;

/// <summary>A question of the gateway's own to a runner that it holds a lease on.</summary>
internal static class RunnerCall
{
    private const int LongestAnswer = 64 << 20;

    /// <summary>Asks and reads the whole answer. Null: the runner did not say 2xx, or nothing that is JSON.</summary>
    /// <param name="lease">The runner.</param>
    /// <param name="path">Where it is asked.</param>
    /// <param name="body">What it is asked; null: the path says it all.</param>
    /// <param name="cancellationToken">Ends the question, at the runner too.</param>
    public static async Task<JsonDocument?> AskAsync(ModelLease lease, string path, ReadOnlyMemory<byte>? body, CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lease.Revocation.Token);
        using var question = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, new Uri(lease.Runner.Address, path));
        question.Headers.ConnectionClose = !lease.Runner.Manners.ReusesConnections;
        if (body is { } json)
        {
            question.Content = new ReadOnlyMemoryContent(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }

        try
        {
            using var answer = await lease.Runner.Connections.SendAsync(question, ends.Token);
            if (!answer.IsSuccessStatusCode)
            {
                return null;
            }

            await answer.Content.LoadIntoBufferAsync(LongestAnswer, ends.Token);
            return await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(ends.Token), default, ends.Token);
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException or IOException)
        {
            return null;
        }
    }
}
