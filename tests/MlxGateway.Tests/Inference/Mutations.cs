using System.Text;

namespace MlxGateway.Tests.Inference;

/// <summary>Good inputs, and what becomes of them under seeded mutation.</summary>
internal sealed class Mutations(int seed, IReadOnlyList<string> corpus, IReadOnlyList<string> words)
{
    private const int Longest = 8 * 1024;

    private readonly byte[][] _corpus = [.. corpus.Select(Encoding.UTF8.GetBytes)];
    private readonly byte[][] _words = [.. words.Select(Encoding.UTF8.GetBytes)];

    public Random Random { get; } = new(seed);

    public byte[] Next()
    {
        List<byte> bytes = [.. _corpus[Random.Next(_corpus.Length)]];
        for (var n = Random.Next(4); n > 0; n--)
        {
            var at = Random.Next(bytes.Count + 1);
            switch (Random.Next(7))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << Random.Next(8));
                    break;
                case 1 when at < bytes.Count:
                    bytes.RemoveRange(at, Math.Min(Random.Next(1, 12), bytes.Count - at));
                    break;
                case 2 when at < bytes.Count:
                    bytes.InsertRange(Random.Next(bytes.Count + 1), bytes.GetRange(at, Math.Min(Random.Next(1, 40), bytes.Count - at)));
                    break;
                case 3:
                    var other = _corpus[Random.Next(_corpus.Length)];
                    var from = Random.Next(other.Length + 1);
                    bytes.InsertRange(at, other[from..Random.Next(from, other.Length + 1)]);
                    break;
                case 4:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    bytes.InsertRange(at, _words[Random.Next(_words.Length)]);
                    break;
            }
        }

        return [.. bytes.Take(Longest)];
    }
}
