using MlxGateway.Inference;
using MlxGateway.ToolCalls;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Tool calls that engines leave in the text.</summary>
internal static class ToolCallsServiceCollectionExtensions
{
    /// <summary>Registers the room. In front of the hub, whose filters give the calls their ids and the finish reason.</summary>
    public static IServiceCollection AddToolCalls(this IServiceCollection services) => services.AddSingleton<IAnswerFilterSource, ToolCallReading>();
}
