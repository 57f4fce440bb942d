using System.Collections.Concurrent;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;

namespace MlxGateway.RemoteImages;

/// <summary>Puts images in the place of their addresses, so that no engine touches the network for a client.</summary>
internal sealed class RemoteImageShaper(ImageFetcher fetcher, RemoteImageOptions options, TimeProvider time) : IRequestShaper
{
    private const int AtOnce = 4;

    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model) =>
        exchange.Request is JsonRequest request && exchange.Route.Shape is StreamShape.Chat or StreamShape.Responses or StreamShape.Messages && ImageParts.MayBeIn(request.Json)
            ? ShapeAsync(request, exchange.Context, exchange.Left)
            : default;

    /// <summary>Splices the images into a request that may name some.</summary>
    /// <param name="request">The request.</param>
    /// <param name="context">With whose end the images are given back.</param>
    /// <param name="left">Nobody wants the answer any more.</param>
    internal async ValueTask<GatewayError?> ShapeAsync(JsonRequest request, HttpContext context, CancellationToken left)
    {
        List<ImagePart> parts;
        try
        {
            parts = ImageParts.Find(request.Json, request.Fields.ByteOrderMark);
        }
        catch (InvalidOperationException)
        {
            return GatewayError.InvalidRequest("The address of an image holds an escape that stands for no character.", "messages");
        }

        if (parts.Count == 0)
        {
            return null;
        }

        var urls = parts.DistinctBy(p => p.Url).ToArray();
        if (Refuse(urls) is { } refusal)
        {
            return refusal;
        }

        var (images, error) = await FetchAsync(urls, left);
        if (error is null)
        {
            foreach (var image in images.Values)
            {
                context.Response.RegisterForDispose(image);
            }

            parts.ForEach(p => Splice(request, p, images[p.Url]));
        }

        return error;
    }

    // Three edits side by side, so that the image itself is not copied once more. What is replaced has at least two quotes or braces.
    private static void Splice(JsonRequest request, in ImagePart part, EncodedImage image)
    {
        var (before, after) = image.Around(part.IsSource);
        request.Edit(new BodyEdit(part.Offset, 1, before));
        request.Edit(new BodyEdit(part.Offset + 1, part.Length - 2, image.Base64));
        request.Edit(new BodyEdit(part.Offset + part.Length - 1, 1, after));
    }

    private static GatewayError Refusal(in ImagePart part, string why)
    {
        // The host alone: paths and queries of such addresses hold signatures.
        var host = Uri.TryCreate(part.Url, UriKind.Absolute, out var address) && address.Host.Length > 0 ? $"The image at '{address.Host}'" : "An image that the request names by its address";
        return GatewayError.InvalidRequest($"{host} was not fetched: {why}.", part.Param);
    }

    private GatewayError? Refuse(ImagePart[] images) =>
        !options.Enabled ? Refusal(images[0], "this gateway does not fetch images, because RemoteImages:Enabled is false; send the image itself as a data URI")
        : images.Length > options.MaxCount ? GatewayError.InvalidRequest($"The request names {images.Length} images by their addresses; {options.MaxCount} is the limit that RemoteImages:MaxCount sets.", images[0].Param)
        : null;

    // The images by their addresses, all or none. The first that fails ends the others.
    private async Task<(IReadOnlyDictionary<string, EncodedImage> Images, GatewayError? Error)> FetchAsync(ImagePart[] parts, CancellationToken left)
    {
        var images = new ConcurrentDictionary<string, EncodedImage>(StringComparer.Ordinal);
        GatewayError? error = null;
        using var patience = new CancellationTokenSource(options.Timeout, time);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(left, patience.Token);
        try
        {
            await Parallel.ForEachAsync(parts, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = enough.Token }, async (part, cancellationToken) =>
            {
                try
                {
                    images[part.Url] = await fetcher.FetchAsync(ImageFetcher.Check(part.Url), cancellationToken);
                }
                catch (RemoteImageException failed)
                {
                    Interlocked.CompareExchange(ref error, Refusal(part, failed.Message), null);
                    await enough.CancelAsync();
                }
            });
        }
        catch (OperationCanceledException) when (error is not null)
        {
        }
        catch (OperationCanceledException) when (!left.IsCancellationRequested)
        {
            var late = Array.Find(parts, p => !images.ContainsKey(p.Url));
            error = Refusal(late, $"it was not there after {options.Timeout.TotalSeconds:0.#} s, the limit that RemoteImages:Timeout sets");
        }
        finally
        {
            if (error is not null || left.IsCancellationRequested)
            {
                foreach (var image in images.Values)
                {
                    image.Dispose();
                }
            }
        }

        return (images, error);
    }
}
