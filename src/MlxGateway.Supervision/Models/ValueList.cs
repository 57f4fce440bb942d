using System.Collections;
using System.Runtime.CompilerServices;

namespace MlxGateway.Supervision.Models;

/// <summary>An immutable list that equals another one with equal elements, so that records that hold it compare by value.</summary>
[CollectionBuilder(typeof(ValueList), nameof(ValueList.Create))]
public sealed class ValueList<T>(T[] items) : IReadOnlyList<T>, IEquatable<ValueList<T>>
    where T : IEquatable<T>
{
    /// <inheritdoc/>
    public int Count => items.Length;

    /// <inheritdoc/>
    public T this[int index] => items[index];

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => items.GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(ValueList<T>? other) => other is not null && items.AsSpan().SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ValueList<T>);

    /// <inheritdoc/>
    public override int GetHashCode() => items.Aggregate(0, (hash, item) => HashCode.Combine(hash, item));

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(", ", items)}]";

    private ReadOnlySpan<T> Span => items;
}

/// <summary>Makes <see cref="ValueList{T}"/>s.</summary>
public static class ValueList
{
    /// <summary>A list of a copy of <paramref name="items"/>.</summary>
    public static ValueList<T> Create<T>(ReadOnlySpan<T> items)
        where T : IEquatable<T> => new(items.ToArray());

    /// <summary>A list of a copy of <paramref name="items"/>.</summary>
    public static ValueList<T> From<T>(IEnumerable<T> items)
        where T : IEquatable<T> => new([.. items]);
}

/// <summary>An immutable map from text to text that equals another one with equal entries.</summary>
public sealed class ValueMap : IEquatable<ValueMap>
{
    private readonly SortedDictionary<string, string> _entries;

    /// <summary>A copy of <paramref name="entries"/>.</summary>
    public ValueMap(IEnumerable<KeyValuePair<string, string>> entries) =>
        _entries = new SortedDictionary<string, string>(entries.ToDictionary(e => e.Key, e => e.Value, StringComparer.Ordinal), StringComparer.Ordinal);

    /// <summary>No entries.</summary>
    public static ValueMap Empty { get; } = new([]);

    /// <summary>The entries in order of their keys.</summary>
    public IReadOnlyDictionary<string, string> Entries => _entries;

    /// <inheritdoc/>
    public bool Equals(ValueMap? other) => other is not null && _entries.SequenceEqual(other._entries);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ValueMap);

    /// <inheritdoc/>
    public override int GetHashCode() => _entries.Aggregate(0, (hash, entry) => HashCode.Combine(hash, entry.Key, entry.Value));

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(", ", _entries.Select(e => e.Key))}]"; // values may be secrets
}
