using MlxGateway.Supervision.Models;

namespace MlxGateway.Hosting;

/// <summary>What is served where there is no real model (<see cref="ModelCatalog"/> leaves it out otherwise): a demonstration whose swaps can be watched. It is no language model and says so in every answer.</summary>
internal sealed class DemonstrationModels : IModelSource
{
    /// <inheritdoc/>
    public IReadOnlyList<ModelSpec> Read(ModelSettings settings) =>
        [
            Demo("demo-small", ByteSize.FromMegabytes(256), "0.2"),
            Demo("demo-medium", ByteSize.FromMegabytes(512), "0.5"),
            Demo("demo-large", ByteSize.FromGigabytes(1), "1"),
        ];

    // The load time stands for the weights that a real model reads, so that the first answer of each is seen to take longer.
    private static ModelSpec Demo(string id, ByteSize memory, string loadSeconds) => new()
    {
        Id = id,
        Runner = KindNames.Demo,
        Origin = ModelOrigin.Demonstration,
        Memory = memory,
        Args = ["--load-time", loadSeconds, "--token-delay", "0.03"],
    };
}
