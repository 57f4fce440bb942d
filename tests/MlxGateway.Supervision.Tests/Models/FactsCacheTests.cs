using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

public sealed class FactsCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _read = [];
    private readonly FactsCache _cache;

    public FactsCacheTests() => _cache = new FactsCache(Read, Read);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Gguf_UnchangedSeries_IsReadOnce()
    {
        var first = _folder.Write("x-00001-of-00002.gguf", 10);
        var second = _folder.Write("x-00002-of-00002.gguf", 10);

        Assert.Same(_cache.Gguf(first), _cache.Gguf(first));
        Assert.Single(_read);

        // ... until one of its files has another length, or was written to, or is gone.
        File.WriteAllBytes(second, new byte[11]);
        _cache.Gguf(first);
        File.SetLastWriteTimeUtc(second, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        _cache.Gguf(first);
        File.Delete(second);
        _cache.Gguf(first);
        _cache.Gguf(first);
        Assert.Equal(4, _read.Count);
    }

    [Fact]
    public void Mlx_Folder_IsReadAgainWhenAFileOfItCameWentOrChanged()
    {
        _folder.Write("m/config.json", "{}");
        _folder.Write("m/a.safetensors", 10);
        Look(expected: 1);

        _folder.Write("m/config.json", "{ }");
        Look(expected: 2);
        _folder.Write("m/b.safetensors", 10);
        Look(expected: 3);
        _folder.Write("m/1_Pooling/config.json", "{}");
        Look(expected: 4);
        File.Delete(_folder.In("m/a.safetensors"));
        Look(expected: 5);

        void Look(int expected)
        {
            _cache.Mlx(_folder.In("m"));
            _cache.Mlx(_folder.In("m"));
            Assert.Equal(expected, _read.Count);
        }
    }

    [Fact]
    public void Gguf_LinkThatLeadsToAnotherFile_IsReadAgain()
    {
        _folder.Write("a", 10);
        _folder.Write("b", 20);
        File.CreateSymbolicLink(_folder.In("x.gguf"), "a");
        _cache.Gguf(_folder.In("x.gguf"));
        File.Delete(_folder.In("x.gguf"));
        File.CreateSymbolicLink(_folder.In("x.gguf"), "b");

        _cache.Gguf(_folder.In("x.gguf"));

        Assert.Equal(2, _read.Count);
    }

    private FileFacts Read(string path)
    {
        _read.Add(path);
        return new FileFacts(new ModelFacts(), null);
    }
}
