using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Tests.Residency;

// A runner's vitals as a test says them. By itself it is silent, idle and deaf.
internal sealed class FakeVitals : IVitals
{
    private volatile bool _spoke;

    public TimeSpan? Used { get; set; } = TimeSpan.FromSeconds(7);

    public bool WaitsBusily { get; set; }

    public bool Answers { get; set; }

    // A deaf one lets whoever asks wait; with this it refuses the connection.
    public bool Refuses { get; set; }

    public int Questions { get; private set; }

    public bool IsGivenUp { get; private set; }

    public Action WhileAsked { get; set; } = () => { };

    public void Speak() => _spoke = true;

    public bool HasSpoken()
    {
        var spoke = _spoke;
        _spoke = false;
        return spoke;
    }

    public TimeSpan? ProcessorTime() => Used;

    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        Questions++;
        WhileAsked();
        if (!Answers && !Refuses)
        {
            var over = new TaskCompletionSource();
            await using var ending = cancellationToken.Register(over.SetResult);
            await over.Task;
        }

        return Answers;
    }

    public void GiveUp() => IsGivenUp = true;
}
