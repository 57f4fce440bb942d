using MlxGateway.Inference;
using MlxGateway.RemoteImages;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Images that requests name by their addresses.</summary>
internal static class RemoteImagesServiceCollectionExtensions
{
    /// <summary>Registers the room. Behind the hub: what a model cannot take is refused before anything is fetched for it.</summary>
    public static IServiceCollection AddRemoteImages(this IServiceCollection services, RemoteImageOptions options) => services
        .AddSingleton(options)
        .AddSingleton(_ => new ImageFetcher(options))
        .AddSingleton<IRequestShaper, RemoteImageShaper>();
}
