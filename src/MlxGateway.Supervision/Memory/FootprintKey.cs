using System.Security.Cryptography;
using System.Text;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>What must be the same for one launch to say anything of the next. Compared by value.</summary>
/// <param name="Model">The model's id.</param>
/// <param name="Path">Where its files are; null: it has none.</param>
/// <param name="FileBytes">How large they are: other files under the same name are another model.</param>
/// <param name="Runner">The kind of runner.</param>
/// <param name="Engine">The version of its engine; null: not known.</param>
/// <param name="Shape">How it is launched (<see cref="LaunchShape.ToString"/>).</param>
/// <param name="Launch">A hash of all else that may change what it takes: arguments, environment, command, projector, settings of one engine. A hash because the environment may hold secrets.</param>
internal sealed record FootprintKey(string Model, string? Path, long? FileBytes, string Runner, string? Engine, string Shape, string Launch)
{
    private const int HashBytes = 16;

    /// <summary>The key of a model that is launched in this way by an engine of this version.</summary>
    public static FootprintKey Of(ModelSpec model, LaunchShape shape, string? engine) =>
        new(model.Id, model.Path, model.FileBytes?.Bytes, model.Runner, engine, shape.ToString(), Hash(model));

    private static string[] RanksOf(DistributedSpec? distributed) => distributed is null ? [] : ["ranks", $"{distributed.Ranks}/{distributed.LocalRanks.Count}", distributed.Backend, distributed.Pipeline ? "layers" : "parts"];

    private static string Hash(ModelSpec model)
    {
        var text = new StringBuilder();
        foreach (var part in model.Args.Append("env").Concat(model.Env.Entries.SelectMany(e => new[] { e.Key, e.Value })).Append("command").Concat(model.Command).Append("projector").Append(model.Projector ?? "").Concat(RanksOf(model.Distributed)).Concat(model.Mlc is { } mlc ? ["mlc", mlc.ToString()] : Array.Empty<string>()))
        {
            // With its length in front, so that no two lists run together into the same text.
            text.Append(part.Length).Append(':').Append(part);
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, HashBytes));
    }
}
