using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>What must hold of configured models beyond what each value says by itself. Every breach is reported with the model and the key.</summary>
internal static partial class ModelRules
{
    private const string Root = "MlxGateway:Models";

    /// <summary>Reports every breach of the models of the settings.</summary>
    public static void Check(ModelSettings settings, SettingsErrors errors, FactsCache facts)
    {
        var sources = new SourceResolver(settings, facts);
        foreach (var (id, model) in settings.Models)
        {
            var at = ConfigurationPath.Combine(Root, id);
            CheckNames(at, id, model, settings, errors);
            CheckKind(at, model, settings, sources, errors);
            CheckCompany(at, id, model, settings, errors);
            FieldRules.Check(at, model, errors);
            CheckRest(at, model, errors);
            DistributedRules.Check(at, model, RunnerKindRule.For(model, sources, settings.OfferedKinds), settings, errors);
        }
    }

    /// <summary>Reports a default model that is none.</summary>
    public static void CheckDefault(ModelSettings settings, CatalogSnapshot catalog, SettingsErrors errors)
    {
        // A configured model with a mistake may not be in the catalog; it is reported for that mistake and not for this one.
        if (settings.DefaultModel is { } name
            && catalog.Resolve(name) is null
            && !settings.Models.Any(entry => entry.Key == name || entry.Value.Aliases.Contains(name)))
        {
            var near = catalog.Nearest(name, 3);
            errors.Add("MlxGateway:DefaultModel", $"\"{name}\" names no model{(near.Count > 0 ? $"; did you mean {Quoted(near)}?" : "; write the id or an alias of a configured or discovered model, or null.")}");
        }
    }

    private static void CheckNames(string at, string id, ModelOptions model, ModelSettings settings, SettingsErrors errors)
    {
        if (ModelName.Fault(id) is { } fault)
        {
            errors.Add(at, $"the model id \"{Visible(id)}\" {fault}.");
        }

        var key = ConfigurationPath.Combine(at, nameof(ModelOptions.Aliases));
        foreach (var alias in model.Aliases.Distinct(StringComparer.Ordinal).Where(alias => alias != id))
        {
            if (ModelName.Fault(alias) is { } aliasFault)
            {
                errors.Add(key, $"the alias \"{Visible(alias)}\" {aliasFault}.");
            }
            else if (settings.Models.ContainsKey(alias))
            {
                errors.Add(key, $"\"{alias}\" is the id of another model; give \"{id}\" another alias.");
            }
            else if (settings.Models.FirstOrDefault(other => other.Key != id && other.Value.Aliases.Contains(alias)).Key is { } sharer)
            {
                errors.Add(key, $"\"{alias}\" is an alias of the model \"{sharer}\" too; only one model can have it.");
            }
        }
    }

    private static void CheckKind(string at, ModelOptions model, ModelSettings settings, SourceResolver sources, SettingsErrors errors)
    {
        var kind = RunnerKindRule.For(model, sources, settings.OfferedKinds);
        if (kind is null)
        {
            errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.Source)), "is missing; write a repository id, a folder or a file, or a \"Command\" that serves the model.");
            return;
        }

        if (!settings.KnownKinds.Contains(kind))
        {
            var near = Spelling.Nearest(kind, settings.KnownKinds, 1);
            errors.Add(
                ConfigurationPath.Combine(at, nameof(ModelOptions.Runner)),
                $"\"{kind}\" is not a kind of runner; {(near.Count > 0 ? $"did you mean \"{near[0]}\"? " : "")}Known: {string.Join(", ", settings.KnownKinds.Order(StringComparer.Ordinal))}.");
            return;
        }

        var command = ConfigurationPath.Combine(at, nameof(ModelOptions.Command));
        if (kind != KindNames.Command && model.Command.Count > 0)
        {
            errors.Add(command, $"belongs to a runner of the kind \"command\", and this model's is \"{kind}\"; leave it out, or write \"Runner\": \"command\".");
        }
        else if (kind == KindNames.Command && model.Command.Count == 0)
        {
            errors.Add(command, "is missing; write the program and its arguments, for example [ \"my-server\", \"--port\", \"{port}\" ].");
        }
        else if (kind == KindNames.Command && !model.Command.Exists(argument => argument.Contains("{port}", StringComparison.Ordinal)))
        {
            errors.Add(command, "names no {port}, so that the program cannot be told where to listen; write it in an argument, for example [ \"my-server\", \"--port\", \"{port}\" ].");
        }

        MlcRules.Check(at, model, kind, errors);
        PythonServerRules.Check(at, model, kind, errors);
        if (kind == KindNames.LlamaServer)
        {
            LlamaServerRules.Check(at, model, errors);
        }

        if (KindNames.NeedsSource(kind) && string.IsNullOrWhiteSpace(model.Source))
        {
            errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.Source)), $"is missing; a runner of the kind \"{kind}\" needs a repository id, a folder or a file.");
        }
    }

    // A pinned model never leaves by itself, so once it is in memory, whatever may not be there beside it could not be served any more: its requests would wait for nothing.
    private static void CheckCompany(string at, string id, ModelOptions model, ModelSettings settings, SettingsErrors errors)
    {
        foreach (var rival in model.ExclusiveWith.Distinct(StringComparer.Ordinal).Where(rival => rival != id))
        {
            if (PinnedOf(id, model, rival, settings.Models.GetValueOrDefault(rival)) is { } pinned)
            {
                errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.ExclusiveWith)), $"\"{id}\" and \"{rival}\" are never in memory together, and {pinned} is pinned and never leaves; leave out one or the other.");
            }
        }

        if (model is { Group: { } group, Pinned: true } && settings.Models.Where(other => other.Key != id && other.Value.Group == group).Select(other => other.Key).ToList() is { Count: > 0 } others)
        {
            errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.Group)), $"models of the group \"{group}\" are never in memory together, and \"{id}\" is pinned and never leaves, so {Quoted(others)} could not be loaded; leave out one or the other.");
        }
    }

    private static string? PinnedOf(string id, ModelOptions model, string rival, ModelOptions? other) =>
        model.Pinned ? $"\"{id}\"" : other is { Pinned: true } ? $"\"{rival}\"" : null;

    private static void CheckRest(string at, ModelOptions model, SettingsErrors errors)
    {
        foreach (var name in model.Env.Keys.Where(name => !Identifier().IsMatch(name)))
        {
            errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.Env), name), "is no name of an environment variable; write letters, digits and \"_\", with no digit in front.");
        }

        if (!model.ReadyPath.StartsWith('/'))
        {
            errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.ReadyPath)), $"\"{model.ReadyPath}\" does not start with \"/\"; write a path, for example \"/health\".");
        }
    }

    private static string Quoted(IEnumerable<string> names) => string.Join(" or ", names.Select(name => $"\"{name}\""));

    private static string Visible(string name) => string.Concat(name.Select(c => char.IsControl(c) ? '\u2423' : c));

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$")]
    private static partial Regex Identifier();
}
