using System.Text.RegularExpressions;
using MlxGateway.Inference.Listing;
using MlxGateway.Mcp.Recommending;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Residency;
using Xunit;

namespace MlxGateway.Tests.Mcp;

public sealed class RecommenderTests
{
    [Theory]
    [InlineData("chat", 64)]
    [InlineData("code", 32)]
    [InlineData("vision", 16)]
    [InlineData("chat", 6)]
    public void ToDownload_FitsIntoMemoryAndIsForTheTask(string task, int gigabytes)
    {
        var pool = Pool(gigabytes, gigabytes);
        var found = Recommender.ToDownload(task, [], pool, 5);

        Assert.NotEmpty(found);
        Assert.All(found, r =>
        {
            var model = WellKnown.All.Single(m => m.Id == r.Model);
            Assert.Contains(task, model.Tasks);
            Assert.Equal(Recommender.Need(model).Bytes, r.RequiredBytes);
            Assert.InRange(r.RequiredBytes, 1, pool.Memory.Ceiling.Bytes);
            Assert.True(r.FitsNow);
            Assert.Contains($": {new ByteSize(r.RequiredBytes)} of {gigabytes}.00 GB", r.Arithmetic, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void ToDownload_OnATinyMachine_IsNothing() => Assert.Empty(Recommender.ToDownload("vision", [], Pool(1, 1), 5));

    [Fact]
    public void ToDownload_NamesWhatFitsNowFirst()
    {
        var found = Recommender.ToDownload("chat", [], Pool(64, 8), 20);

        Assert.Equal(found.OrderByDescending(static r => r.FitsNow), found);
        Assert.Contains(found, static r => r.FitsNow);
        Assert.Contains(found, static r => !r.FitsNow);
    }

    [Fact]
    public void OnDisk_NamesTheLargestThatFits_AndCodersFirstForCode()
    {
        var pool = Pool(32, 32);
        KnownModel[] known = [Known("small", 2, pool), Known("large", 9, pool), Known("vast", 90, pool), Known("My-Coder", 4, pool), Known("eyes", 3, pool, sees: true)];

        Assert.Equal(["large", "My-Coder", "eyes", "small"], Recommender.OnDisk("chat", known, pool, 5).Select(static r => r.Model));
        Assert.Equal(["My-Coder", "large"], Recommender.OnDisk("code", known, pool, 2).Select(static r => r.Model));
        Assert.Equal(["eyes"], Recommender.OnDisk("vision", known, pool, 5).Select(static r => r.Model));
    }

    [Fact]
    public void ToDownload_LeavesOutWhatIsHere()
    {
        var pool = Pool(64, 64);
        var first = Recommender.ToDownload("chat", [], pool, 1)[0].Model;

        Assert.DoesNotContain(Recommender.ToDownload("chat", [Known(first, 4, pool)], pool, 20), r => r.Model == first);
    }

    [Fact]
    public void WellKnown_AreRepositoriesWithPlausibleNumbers() => Assert.All(WellKnown.All, static m =>
    {
        Assert.Matches(new Regex(@"^[\w-]+/[\w.-]+$"), m.Id);
        Assert.NotEmpty(m.Tasks.Intersect(Recommender.Tasks));
        var stated = Regex.Match(m.Id, @"-(\d+(?:\.\d+)?)[Bb]\b");
        if (stated.Success)
        {
            Assert.InRange(m.Billions / double.Parse(stated.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), 0.95, 1.3);
        }
    });

    private static PoolSnapshot Pool(double ceiling, double usable) => new([], new MemoryObservation(ByteSize.FromGigabytes(ceiling), ByteSize.FromGigabytes(usable)), ByteSize.Zero, false);

    private static KnownModel Known(string id, double gigabytes, PoolSnapshot pool, bool sees = false) => KnownModel.In(
        pool,
        new ModelSpec
        {
            Id = id,
            Runner = KindNames.MlxLm,
            Origin = ModelOrigin.Discovered,
            Modalities = sees ? [Modality.Text, Modality.Image] : Modality.TextAlone,
            Facts = new ModelFacts { HasChatTemplate = true, Parameters = (long)(gigabytes * 2e9) },
        },
        id,
        DateTimeOffset.UnixEpoch,
        new MemoryNeeds([new MemoryNeed(ByteSize.FromGigabytes(gigabytes), $"weights {gigabytes} GB")]));
}
