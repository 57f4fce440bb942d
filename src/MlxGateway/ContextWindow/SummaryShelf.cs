using System.Security.Cryptography;

namespace MlxGateway.ContextWindow;

/// <summary>A summary of the beginning of a conversation.</summary>
/// <param name="Messages">How many messages it stands for, instructions among them not left out.</param>
/// <param name="Text">What it says.</param>
internal sealed record Summary(int Messages, string Text);

/// <summary>The summaries of late, each by a digest of the model and the messages that it stands for. The one that was not looked at for longest leaves first.</summary>
internal sealed class SummaryShelf(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<(string Key, Summary Summary)>> _known = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Key, Summary Summary)> _order = new();

    /// <summary>The summary that stands for the most messages of a conversation; null: there is none.</summary>
    /// <param name="keys">For each number of messages, from one on, their digest.</param>
    /// <param name="atMost">No more messages than that.</param>
    public Summary? Longest(IReadOnlyList<string> keys, int atMost)
    {
        lock (_lock)
        {
            for (var i = Math.Min(atMost, keys.Count) - 1; i >= 0; i--)
            {
                if (_known.TryGetValue(keys[i], out var node))
                {
                    _order.Remove(node);
                    _order.AddLast(node);
                    return node.Value.Summary;
                }
            }
        }

        return null;
    }

    /// <summary>Keeps a summary.</summary>
    public void Keep(string key, Summary summary)
    {
        lock (_lock)
        {
            if (_known.Remove(key, out var old))
            {
                _order.Remove(old);
            }

            _known[key] = _order.AddLast((key, summary));
            while (_known.Count > capacity)
            {
                _known.Remove(_order.First!.Value.Key);
                _order.RemoveFirst();
            }
        }
    }

    /// <summary>The digests of a conversation's beginnings: of its first message, its first two, and so on.</summary>
    public static IReadOnlyList<string> KeysOf(string model, in System.Buffers.ReadOnlySequence<byte> body, IReadOnlyList<MessageSpan> messages, int count)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        digest.AppendData(System.Text.Encoding.UTF8.GetBytes($"{model}\n"));
        var keys = new string[count];
        for (var i = 0; i < count; i++)
        {
            foreach (var block in body.Slice(messages[i].Start, messages[i].End - messages[i].Start))
            {
                digest.AppendData(block.Span);
            }

            digest.AppendData("\n"u8);
            keys[i] = Convert.ToHexString(digest.GetCurrentHash());
        }

        return keys;
    }
}
