using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;
using static MlxGateway.Supervision.Residency.ResidentState;

namespace MlxGateway.Supervision.Residency;

// What outlives a gateway: what this one leaves to the next, and what it has from the one before.
internal sealed partial class ResidencyLedger
{
    // Whoever is ready, and whoever only makes room for somebody that will not be launched any more. Not one that leaves because somebody said so, or because it failed.
    private void ChooseKept()
    {
        foreach (var resident in _residents)
        {
            resident.IsKept = options.OnExit is OnExit.Keep && (resident.State is Ready || DrainsForSwap(resident));
        }
    }

    // Ready at once, and as safe or unsafe as any other idle model. It obeys the settings of today, which may allow less than those it was launched under.
    private void Inherit(RunnerAdopted news, DateTimeOffset now)
    {
        var resident = Find(news.Model, news.Needs);
        if (IsShuttingDown || resident.HoldsMemory || WhyNoPlaceFor(resident, news) is not null)
        {
            Note(DecisionKind.Unloaded, resident.Id, null, resident.HoldsMemory ? "an earlier gateway kept a runner of it, but it is here already" : WhyNoPlaceFor(resident, news) ?? "the gateway is shutting down", now);
            _effects.Add(new DismissRunner(resident.Id, news.Runner));
            return;
        }

        (resident.Spec, resident.Needs, resident.Need, resident.Next) = (news.Model, news.Needs, news.Need, null);
        BeginLaunch(resident);
        resident.Enter(Ready, now);
        (resident.Runner, resident.HasServed, resident.CoolUntil) = (news.Runner, true, null);
        resident.WasGranted = true; // there, before: should it die, it is launched again at once
        resident.ReadySince = resident.LastUsed = now;
        resident.LastPerson = now;
        SeeReady(news.Runner, now);
        Note(DecisionKind.Adopted, resident.Id, null, $"an earlier gateway kept it as process {Number(news.Runner.Pid)}; {Counted(news.Need)}", now);
        _effects.Add(new WatchRunner(resident.Spec, resident.Need.Shape, resident.Launch, news.Runner));
    }

    private string? WhyNoPlaceFor(Resident resident, RunnerAdopted news) =>
        !EvictionPlanner.MayJoin(resident, _residents, options.MaxResident) ? "an earlier gateway kept it, but it may not be in memory beside those that are"
        : Memory is { } memory && EvictionPlanner.Held(_residents) + news.Need.Total > memory.Ceiling ? $"an earlier gateway kept it, but it needs {news.Need.Total} of the {memory.Ceiling} that all models may use"
        : null;
}
