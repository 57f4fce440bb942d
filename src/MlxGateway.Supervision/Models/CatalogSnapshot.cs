using System.Collections.Frozen;
using System.Buffers;
using System.Text;
using System.Text.Unicode;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>Every model that the gateway knows at one moment. Immutable; looking a name up allocates nothing.</summary>
public sealed class CatalogSnapshot
{
    private readonly FrozenDictionary<string, ModelSpec> _exact;
    private readonly FrozenDictionary<string, ModelSpec> _anyCase;
    private readonly FrozenDictionary<string, ModelSpec> _further;
    private readonly FrozenDictionary<string, DateTimeOffset> _firstSeen;
    private readonly int _longestName;

    /// <param name="models">The models; each id and alias is there once.</param>
    /// <param name="firstSeen">When each id was first known.</param>
    /// <param name="defaultModel">The id or alias of the default model, or null.</param>
    internal CatalogSnapshot(IEnumerable<ModelSpec> models, IReadOnlyDictionary<string, DateTimeOffset> firstSeen, string? defaultModel)
    {
        Models = [.. models.OrderBy(model => model.Id, StringComparer.Ordinal)];
        var names = Models.SelectMany(model => model.Aliases.Prepend(model.Id).Select(name => (name, model))).ToList();
        _exact = names.ToFrozenDictionary(pair => pair.name, pair => pair.model, StringComparer.Ordinal);
        _anyCase = names
            .GroupBy(pair => pair.name, StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Select(pair => pair.model.Id).Distinct(StringComparer.Ordinal).Count() == 1) // otherwise nobody can tell which was meant
            .ToFrozenDictionary(group => group.Key, group => group.First().model, StringComparer.OrdinalIgnoreCase);
        _firstSeen = Models.ToFrozenDictionary(model => model.Id, model => firstSeen[model.Id], StringComparer.Ordinal);
        _further = HubName.Further(Models).DistinctBy(pair => pair.Name, StringComparer.OrdinalIgnoreCase).ToFrozenDictionary(pair => pair.Name, pair => pair.Model, StringComparer.OrdinalIgnoreCase);
        _longestName = names.Select(pair => pair.name.Length).Concat(_further.Keys.Select(name => name.Length)).DefaultIfEmpty().Max();
        Default = defaultModel is null ? null : Resolve(defaultModel);
    }

    /// <summary>No models.</summary>
    public static CatalogSnapshot Empty { get; } = new([], new Dictionary<string, DateTimeOffset>(), null);

    /// <summary>The models, ordered by id.</summary>
    public IReadOnlyList<ModelSpec> Models { get; }

    /// <summary>The model of a request that names none; null if there is none.</summary>
    public ModelSpec? Default { get; }

    /// <summary>Whether a request for a model that is not among them may fetch it from the Hub.</summary>
    public bool FetchesUnknown { get; internal init; }

    /// <summary>The model with exactly this id; null: there is none.</summary>
    public ModelSpec? Find(string id) => _exact.TryGetValue(id, out var model) && model.Id == id ? model : null;

    /// <summary>
    /// The model with this id or alias, spelled exactly so; otherwise the only one that differs in case alone; otherwise the one that is called so elsewhere: <c>REPOSITORY:Q8_0</c> is one of several files of a repository,
    /// <c>REPOSITORY</c> the best of them, and the address of the Hub in front says nothing; otherwise null.
    /// </summary>
    public ModelSpec? Resolve(string name) => Resolve(name.AsSpan());

    /// <inheritdoc cref="Resolve(string)"/>
    public ModelSpec? Resolve(ReadOnlySpan<char> name) => LookUp(name) ?? (HubName.Bare(name) is var bare && bare.Length < name.Length ? LookUp(bare) : null);

    /// <inheritdoc cref="Resolve(string)"/>
    /// <param name="utf8Name">The name in UTF-8; what is not UTF-8 names nothing.</param>
    public ModelSpec? Resolve(ReadOnlySpan<byte> utf8Name)
    {
        var longest = _longestName + HubName.LongestPlace;
        if (utf8Name.Length > Encoding.UTF8.GetMaxByteCount(longest))
        {
            return null;
        }

        Span<char> buffer = longest <= 512 ? stackalloc char[512] : new char[longest];
        return Utf8.ToUtf16(utf8Name, buffer, out _, out var length, replaceInvalidSequences: false) == OperationStatus.Done ? Resolve(buffer[..length]) : null;
    }

    /// <summary>The ids and aliases that somebody may have meant by a name that is none, the nearest first; at most <paramref name="count"/>, and at most one for each model.</summary>
    public IReadOnlyList<string> Nearest(string name, int count) =>
        [.. Spelling.Nearest(name, _exact.Keys, int.MaxValue).DistinctBy(near => _exact[near].Id).Take(count)];

    /// <summary>When the gateway first knew the model, in UTC; null if it does not know it.</summary>
    public DateTimeOffset? FirstSeen(string id) => _firstSeen.TryGetValue(id, out var time) ? time : null;

    private ModelSpec? LookUp(ReadOnlySpan<char> name)
    {
        // Names come from clients: one that is longer than every known name is not hashed.
        if (name.Length > _longestName)
        {
            return null;
        }

        return _exact.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var model)
            || _anyCase.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out model)
            || _further.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out model) ? model : null;
    }
}
