using MlxGateway.Admin.Streams;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Admin.Router;

/// <summary>The loads that somebody asked for by a model's name, and not by a request to it. They belong to nobody: who asked may leave.</summary>
internal sealed class ModelLoads(IModelPool pool)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Load> _pending = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GatewayError> _failures = new(StringComparer.Ordinal);

    /// <summary>Rings when a load begins or is over.</summary>
    public Bell Changed { get; } = new();

    /// <summary>Whether the model is on its way because somebody asked for it here, though it may still wait for room.</summary>
    public bool IsPending(string model)
    {
        lock (_lock)
        {
            return _pending.ContainsKey(model);
        }
    }

    /// <summary>Why the last load of the model came to nothing; null: it did not, or nobody asked.</summary>
    public string? FailureOf(string model)
    {
        lock (_lock)
        {
            return _failures.GetValueOrDefault(model)?.Message;
        }
    }

    /// <summary>Begins to load the model, or joins the load that has begun.</summary>
    /// <returns>Null when it is ready; otherwise why it will not be. Never faults.</returns>
    public Task<GatewayError?> BeginAsync(ModelSpec model)
    {
        Load load;
        lock (_lock)
        {
            if (_pending.TryGetValue(model.Id, out var begun))
            {
                return begun.Outcome.Task;
            }

            _failures.Remove(model.Id);
            _pending.Add(model.Id, load = new Load());
        }

        Changed.Ring();
        _ = RunAsync(model, load);
        return load.Outcome.Task;
    }

    /// <summary>Gives up the wait for the model, if there is one. What has been launched stays, and is the pool's to stop.</summary>
    /// <returns>Whether there was one.</returns>
    public bool CallOff(string model)
    {
        Load? load;
        lock (_lock)
        {
            load = _pending.GetValueOrDefault(model);
        }

        load?.Left.Cancel();
        return load is not null;
    }

    private async Task RunAsync(ModelSpec model, Load load)
    {
        GatewayError? error = null;
        try
        {
            // Given back at once: it stays for its idle time, as after a request.
            using var lease = await pool.AcquireAsync(model, LeaseTerms.Person, load.Left.Token);
        }
        catch (LeaseRefusedException refused)
        {
            error = Refusals.From(refused);
        }
        catch (OperationCanceledException)
        {
            error = new GatewayError(StatusCodes.Status503ServiceUnavailable, "load_cancelled", $"The load of model '{model.Id}' was called off.");
        }
        catch (Exception fault)
        {
            error = new GatewayError(StatusCodes.Status500InternalServerError, "internal_error", $"The load of model '{model.Id}' failed: {fault.Message}");
        }

        lock (_lock)
        {
            _pending.Remove(model.Id);
            if (error is { Code: not "load_cancelled" })
            {
                _failures[model.Id] = error;
            }
        }

        load.Outcome.SetResult(error);
        Changed.Ring();
    }

    private sealed class Load
    {
        // Without a timer it holds nothing that would have to be freed.
        public CancellationTokenSource Left { get; } = new();

        public TaskCompletionSource<GatewayError?> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
