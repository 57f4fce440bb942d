using MlxGateway.Supervision.Processes;

namespace MlxGateway.Supervision.Runners;

/// <summary>What the runners of each model write, over all launches of this gateway, for whoever wants to read it. Secrets are taken out of every line.</summary>
public sealed class RunnerOutputs
{
    // What a runner said last is worth most when it has just failed; of models that nobody has asked for since then it is forgotten.
    private const int MostModels = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Output> _latest = new(StringComparer.Ordinal);
    private readonly List<Reader> _readers = [];
    private long _launches;

    /// <summary>The last lines of the model's latest runner, oldest first, also if it never became ready or has ended. Null: none was launched lately.</summary>
    /// <param name="model">The model's id.</param>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<string>? Lines(string model, int count)
    {
        if (Find(model) is not { } output)
        {
            return null;
        }

        // The file has more of them than memory, for as long as it is kept.
        var lines = FileEnd.Lines(output.Tail.LogFilePath, count);
        return [.. (lines.Count > 0 ? lines : output.Tail.Lines().TakeLast(count)).Select(output.Clean)];
    }

    /// <summary>The process of the model's latest runner, which may not be ready yet. Null: it has ended, or none was launched lately.</summary>
    /// <param name="model">The model's id.</param>
    public int? ProcessOf(string model) => Find(model)?.Process();

    /// <summary>Calls back for every line that a runner of the model writes from now on, and those of its later runners.</summary>
    /// <param name="model">The model's id. It need not have a runner yet.</param>
    /// <param name="onLine">Must be quick and must not throw; it is never called by two threads at a time for one runner.</param>
    /// <returns>Dispose it to hear no more.</returns>
    public IDisposable Follow(string model, Action<string> onLine)
    {
        var reader = new Reader(this, model, onLine);
        Output? output;
        lock (_lock)
        {
            _readers.Add(reader);
            output = _latest.GetValueOrDefault(model);
        }

        // What is here already was not written from now on.
        reader.Turn(output, silent: true);
        return reader;
    }

    /// <summary>A runner of the model was started, or taken over.</summary>
    internal void Note(string model, ChildProcess child, IReadOnlyList<string> secrets)
    {
        Output output;
        List<Reader> readers;
        lock (_lock)
        {
            _latest[model] = output = new Output(child.Output, secrets, ++_launches, () => child.Exited.IsCompleted ? null : child.Pid);
            if (_latest.Count > MostModels)
            {
                _latest.Remove(_latest.MinBy(entry => entry.Value.Launch).Key);
            }

            readers = _readers.FindAll(reader => reader.Model == model);
        }

        readers.ForEach(reader => reader.Turn(output, silent: false));
    }

    private Output? Find(string model)
    {
        lock (_lock)
        {
            return _latest.GetValueOrDefault(model);
        }
    }

    private void Leave(Reader reader)
    {
        lock (_lock)
        {
            _readers.Remove(reader);
        }
    }

    private sealed record Output(OutputTail Tail, IReadOnlyList<string> Secrets, long Launch, Func<int?> Process)
    {
        public string Clean(string line) => SecretFilter.Clean(line, Secrets);
    }

    // Somebody who listens to one model, whichever of its runners speaks.
    private sealed class Reader(RunnerOutputs outputs, string model, Action<string> onLine) : IDisposable
    {
        private readonly Lock _turning = new();
        private IDisposable? _following;
        private long _launch;
        private bool _isOver;

        public string Model => model;

        public void Turn(Output? output, bool silent)
        {
            lock (_turning)
            {
                if (_isOver || output is null || output.Launch <= _launch)
                {
                    return;
                }

                _following?.Dispose();
                _launch = output.Launch;
                var heard = !silent;
                _following = output.Tail.Follow(line =>
                {
                    if (heard)
                    {
                        onLine(output.Clean(line));
                    }
                });
                heard = true;
            }
        }

        public void Dispose()
        {
            outputs.Leave(this);
            lock (_turning)
            {
                _isOver = true;
                _following?.Dispose();
            }
        }
    }
}
