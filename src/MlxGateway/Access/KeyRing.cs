using System.Security.Cryptography;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Access;

/// <summary>The keys of the configuration.</summary>
internal sealed class KeyRing(IReadOnlyDictionary<string, KeyOptions> keys) : IDisposable
{
    private readonly ApiKey[] _keys = [.. keys.Select(static k => new ApiKey(k.Key, k.Value))];

    /// <summary>Whether there is none, so that nobody is asked for one.</summary>
    public bool IsEmpty => _keys.Length == 0;

    /// <summary>Finds the key that was sent; null: there is no such key. How long it takes says nothing of how much of it was right, nor of which it is.</summary>
    public ApiKey? Find(ReadOnlySpan<char> sent)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (!KeyHash.TryHash(sent, hash))
        {
            return null;
        }

        ApiKey? found = null;
        foreach (var key in _keys)
        {
            found = CryptographicOperations.FixedTimeEquals(hash, key.Hash) ? key : found;
        }

        return found;
    }

    /// <summary>Finds what is wrong with the keys of the configuration.</summary>
    public static void Check(IReadOnlyDictionary<string, KeyOptions> keys, SettingsErrors errors)
    {
        var seen = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, key) in keys)
        {
            var at = $"MlxGateway:Access:Keys:{name}";
            if (key.Hash is not { } hash)
            {
                continue; // said already: it is required
            }

            // Whoever wrote the key itself must not find it in a log.
            if (KeyHash.TryParse(hash) is null)
            {
                errors.Add($"{at}:Hash", "is not the hash of a key; write \"sha256:\" and the 64 digits that `printf %s \"$KEY\" | sha256sum` prints. The key itself belongs to whoever uses it, and not into a file.");
            }
            else if (!seen.TryAdd(hash, name))
            {
                errors.Add($"{at}:Hash", $"is that of \"{seen[hash]}\" too; a key has one name.");
            }

            if (key.Scopes.Find(static scope => ScopeNames.Parse(scope) == Scopes.None) is { } unknown)
            {
                errors.Add($"{at}:Scopes", $"\"{unknown}\" is not a scope; write some of {string.Join(", ", ScopeNames.All.Select(static s => $"\"{s}\""))}.");
            }
            else if (key.Scopes.Count == 0)
            {
                errors.Add($"{at}:Scopes", "is empty, so that the key would be good for nothing; leave it out for \"inference\".");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(_keys, static key => key.Dispose());
}
