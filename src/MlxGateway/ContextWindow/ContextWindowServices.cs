using MlxGateway.ContextWindow;
using MlxGateway.Inference;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Makes conversations fit into their model's context.</summary>
internal static class ContextWindowServices
{
    /// <summary>Registers the step that does it, and what learns from answers.</summary>
    public static IServiceCollection AddContextWindow(this IServiceCollection services, ContextWindowOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<TokenRatios>();
        services.AddSingleton<IRequestObserver>(static all => all.GetRequiredService<TokenRatios>());
        services.AddSingleton<RunnerWindows>();
        services.AddSingleton<TokenCounter>();
        services.AddSingleton(new SummaryShelf(options.Summaries));
        services.AddSingleton<IRequestShaper, FittingConversations>();
        return services;
    }
}
