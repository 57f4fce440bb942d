namespace MlxGateway.Supervision.Memory;

/// <summary>What the parts of a need are called, for people.</summary>
internal static class PartNames
{
    public const string Weights = "weights";
    public const string Adapters = "adapters";
    public const string Draft = "draft model";
    public const string Projector = "projector";
    public const string Cache = "KV cache";
    public const string Checkpoints = "earlier states";
    public const string Prompts = "prompt cache";
    public const string Work = "working memory";
    public const string Freed = "freed memory";
    public const string Process = "process";
    public const string Launcher = "launcher";

    /// <summary>Whether it is told by itself; the others are called overhead together.</summary>
    public static bool IsTold(string name) => name is Weights or Adapters or Draft or Projector or Cache or Prompts;
}
