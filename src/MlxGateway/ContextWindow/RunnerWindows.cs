using System.Runtime.CompilerServices;
using System.Text.Json;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.ContextWindow;

/// <summary>How many tokens one conversation may have in each launch of a runner. A runner is asked once.</summary>
/// <param name="pool">Knows how a model was launched; null: nobody does.</param>
internal sealed class RunnerWindows(IModelPool? pool = null)
{
    private readonly ConditionalWeakTable<IRunner, StrongBox<int>> _known = [];

    /// <summary>The context of a launch; 0: nobody knows it.</summary>
    public ValueTask<int> OfAsync(ModelLease lease, CancellationToken cancellationToken) =>
        _known.TryGetValue(lease.Runner, out var known) ? new(known.Value) : AskAsync(lease, cancellationToken);

    /// <summary>The most that a model's context can be, as far as it is known without a runner; 0: it is not.</summary>
    public static int AtMost(ModelSpec model) => Math.Max(model.Context ?? 0, model.Facts?.ContextWindow ?? 0);

    private async ValueTask<int> AskAsync(ModelLease lease, CancellationToken cancellationToken)
    {
        var said = lease.Model.Runner switch
        {
            KindNames.LlamaServer => await ReadAsync(lease, "/props", static props => props.TryGetProperty("default_generation_settings", out var settings) ? Number(settings, "n_ctx") : 0, cancellationToken),
            KindNames.MlxLm => await ReadAsync(lease, "/gateway/status", static status => Number(status, "context"), cancellationToken),

            // It does not say, and it has room for less than its model was made for.
            KindNames.MlcLlm => pool?.Snapshot.Models.FirstOrDefault(m => m.Id == lease.Model.Id)?.Need?.Shape.Context ?? 0,
            _ => 0,
        };

        // The companion of mlx_lm speaks of the model's own length, also where it was told to keep to less.
        var context = said > 0 ? Math.Min(said, lease.Model.Context ?? said) : lease.Model.Context ?? lease.Model.Facts?.ContextWindow ?? 0;
        _known.AddOrUpdate(lease.Runner, new StrongBox<int>(context));
        return context;
    }

    private static async Task<int> ReadAsync(ModelLease lease, string path, Func<JsonElement, int> read, CancellationToken cancellationToken)
    {
        using var answer = await RunnerCall.AskAsync(lease, path, null, cancellationToken);
        return answer?.RootElement is { ValueKind: JsonValueKind.Object } root ? read(root) : 0;
    }

    private static int Number(JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : 0;
}
