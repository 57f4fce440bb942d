using MlxGateway.Inference;
using MlxGateway.ToolCalls;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Tools of models whose engine does not know them.</summary>
internal static class ToolCallsServiceCollectionExtensions
{
    /// <summary>Registers the reading of calls. In front of the hub, whose filters then see the calls like those of an engine.</summary>
    public static IServiceCollection AddToolCalls(this IServiceCollection services) => services.AddSingleton<IAnswerFilterSource, ToolCallReading>();

    /// <summary>Registers the telling of tools. Behind the hub, whose steps check the request and give it its instructions, and before those that count what it says.</summary>
    public static IServiceCollection AddToolPrompts(this IServiceCollection services) => services.AddSingleton<IRequestShaper, ToolPrompting>();
}
