using System.Reflection;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>That the fingerprint of a launch says the same as <see cref="ModelSpec.LaunchesLike"/>, whatever property somebody adds.</summary>
public sealed class LaunchFingerprintTests
{
    private static readonly ModelSpec Spec = new()
    {
        Id = "m", Runner = "demo", Source = "s", Args = ["a"], Env = new ValueMap([KeyValuePair.Create("API_KEY", "very-secret")]), Memory = ByteSize.FromGigabytes(2),
    };

    public static TheoryData<string> Settable => [.. typeof(ModelSpec).GetProperties().Where(p => p.SetMethod is not null).Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(Settable))]
    public void Fingerprint_OfASpecificationThatDiffersInOneProperty_DiffersJustWhereTheLaunchDoes(string name)
    {
        var property = typeof(ModelSpec).GetProperty(name)!;
        var other = Spec with { };
        property.SetValue(other, Another(property));
        Assert.NotEqual(property.GetValue(Spec), property.GetValue(other));

        Assert.Equal(Spec.LaunchesLike(other), Spec.LaunchFingerprint == other.LaunchFingerprint);
    }

    [Fact]
    public void Fingerprint_OfAnEqualSpecification_IsTheSameAndShowsNoSecret()
    {
        var equal = Spec with { Args = ["a"], Env = new ValueMap([KeyValuePair.Create("API_KEY", "very-secret")]) };

        Assert.Equal(Spec.LaunchFingerprint, equal.LaunchFingerprint);
        Assert.NotEqual(Spec.LaunchFingerprint, (Spec with { Env = new ValueMap([KeyValuePair.Create("API_KEY", "another")]) }).LaunchFingerprint);
        Assert.Matches("^[0-9a-f]{64}$", Spec.LaunchFingerprint);
    }

    [Fact]
    public void Fingerprint_OfASectionOfOneEngine_SeesEachOfItsValues()
    {
        var values = new MlcSettings[]
        {
            new(), new() { Mode = MlcMode.Interactive }, new() { EnableDebug = true }, new() { EnableTracing = true }, new() { Device = "cpu" }, new() { ModelLib = "/x" }, new() { MaxNumSequence = 1 }, new() { MaxHistorySize = 1 },
            new() { MaxTotalSequenceLength = 1 }, new() { PrefillChunkSize = 1 }, new() { GpuMemoryUtilization = 0.5 }, new() { SpecDraftLength = 1 }, new() { PrefixCacheMaxNumRecyclingSeqs = 0 }, new() { AdditionalModels = ["x"] },
            new() { SpeculativeMode = MlcSpeculation.Eagle }, new() { PrefixCacheMode = MlcPrefixCache.Disable }, new() { PrefillMode = MlcPrefill.Chunked },
        };

        Assert.Equal(values.Length, values.Select(mlc => (Spec with { Mlc = mlc }).LaunchFingerprint).Distinct().Count());
        Assert.True((Spec with { Mlc = new() { AdditionalModels = ["x"] } }).LaunchesLike(Spec with { Mlc = new() { AdditionalModels = ["x"] } }));
    }

    private static object Another(PropertyInfo property) => (Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) switch
    {
        var type when type == typeof(string) => "another",
        var type when type == typeof(bool) => true,
        var type when type == typeof(int) => 7,
        var type when type == typeof(TimeSpan) => TimeSpan.FromSeconds(7),
        var type when type == typeof(ByteSize) => ByteSize.FromGigabytes(7),
        var type when type == typeof(ValueList<string>) => ValueList.From(["x", "y"]),
        var type when type == typeof(ValueList<AttachedFile>) => ValueList.From([new AttachedFile(Attachment.Draft, "/d", null)]),
        var type when type == typeof(ValueMap) => new ValueMap([KeyValuePair.Create("A", "b")]),
        var type when type == typeof(RequestFields) => new RequestFields { Forbidden = ["x"] },
        var type when type == typeof(ModelFacts) => new ModelFacts(),
        var type when type == typeof(DistributedSpec) => new DistributedSpec { Hosts = [new("a", []), new("b", [])] },
        var type when type == typeof(MlcSettings) => new MlcSettings { Mode = MlcMode.Server, AdditionalModels = ["x"] },
        var type when type.IsEnum => Enum.GetValues(type).Cast<object>().Last(),
        var type => throw new NotSupportedException($"Say here what another {type} is."),
    };
}
