using System.Text.Json;
using MlxGateway.Access;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using MlxGateway.Telemetry;
using MlxGateway.Telemetry.Otlp;

namespace MlxGateway.Hosting;

/// <summary>Everything that the gateway is told from outside, read once: files, environment variables, switches.</summary>
internal sealed class GatewayConfiguration
{
    private const string Section = "MlxGateway";
    private const string File = "appsettings.json";

    private GatewayConfiguration(string[] arguments, IConfigurationRoot root, IReadOnlyList<string> sources, GatewayOptions options, string folder, IReadOnlyList<ListenAddress> addresses, IReadOnlyList<ListenAddress> endpoints)
    {
        Arguments = arguments;
        Values = root.AsEnumerable().Where(e => e.Value is not null).ToDictionary(e => e.Key, e => e.Value!, StringComparer.OrdinalIgnoreCase);
        SetBy = Values.Keys.ToDictionary(key => key, key => SourceOf(key, root, sources), StringComparer.OrdinalIgnoreCase);
        Root = root;
        Options = options;
        Folder = folder;
        Addresses = addresses;
        Endpoints = endpoints;
    }

    /// <summary>The command line that it was read with.</summary>
    public string[] Arguments { get; }

    /// <summary>Every value as it was read: the host writes some of its own into <see cref="Root"/> later.</summary>
    public IReadOnlyDictionary<string, string> Values { get; }

    /// <summary>Where each of <see cref="Values"/> comes from: the path of a file, <c>environment</c> or <c>command line</c>.</summary>
    public IReadOnlyDictionary<string, string> SetBy { get; }

    /// <summary>The files that it was read from, whether they exist or not.</summary>
    public IReadOnlyList<string> Files => FilesIn(Folder, Root["config"]);

    /// <summary>The whole configuration.</summary>
    public IConfigurationRoot Root { get; }

    /// <summary>The gateway's own section of it.</summary>
    public GatewayOptions Options { get; }

    /// <summary>The folder that relative paths start from.</summary>
    public string Folder { get; }

    /// <summary>Where to listen.</summary>
    public IReadOnlyList<ListenAddress> Addresses { get; }

    /// <summary>Where the server listens beside these, because its own section (<c>Kestrel:Endpoints</c>) says so.</summary>
    public IReadOnlyList<ListenAddress> Endpoints { get; }

    /// <summary>The server's own section: endpoints, certificates.</summary>
    public IConfigurationSection Kestrel => Root.GetSection(nameof(Kestrel));

    /// <summary>Whether the server reads anything of that section, so that a mistake in it may keep it from starting.</summary>
    public bool HasServerSettings => Kestrel.Exists() || Addresses.Any(static a => a.IsTls);

    /// <summary>The model to load first, or null.</summary>
    public string? FirstModel => Root["model"];

    /// <summary>What the catalog is made from.</summary>
    /// <param name="kinds">The kinds of runner that there are.</param>
    public ModelSettings ModelSettings(IReadOnlyList<string> kinds) => new()
    {
        Models = Options.Models,
        Discovery = Options.Discovery,
        DefaultModel = Options.DefaultModel,
        BaseFolder = Folder,
        KnownKinds = [.. kinds, .. new[] { KindNames.MlxLm, KindNames.MlxVlm, KindNames.MlcLlm }.Except(kinds)],
        OfferedKinds = kinds,
    };

    /// <summary>Reads the configuration. Later sources win: <c>appsettings.json</c>, <c>--config FILE</c>, <c>MLXGATEWAY_…</c> variables, switches.</summary>
    public static (GatewayConfiguration? Configuration, StartFailure? Failure) Read(string[] args)
    {
        var errors = new SettingsErrors();
        Switches.Check(args, errors);
        var folder = FindFolder();
        var sources = new List<string>();
        var root = errors.Any ? null : Load(args, folder, sources, errors);
        if (root is null)
        {
            return (null, Failure(errors));
        }

        var options = StrictBinder.Bind<GatewayOptions>(root.GetSection(Section), errors, new TextConverters().AddSizes().AddAddresses());
        var allowsNetwork = options.Access.AllowAnonymousNetwork || options.Access.Keys.Count > 0;
        var addresses = ListenAddress.Read(root["Urls"], root["port"], allowsNetwork, errors);
        var endpoints = ListenAddress.ReadEndpoints(root.GetSection(nameof(Kestrel)), allowsNetwork, errors);
        OriginPolicy.Check(options.Access.AllowedOrigins, errors);
        KeyRing.Check(options.Access.Keys, errors);
        OtlpExport.Check(options.Telemetry.Otlp, errors);
        var configuration = new GatewayConfiguration(args, root, sources, options, folder, addresses, endpoints);
        if (!errors.Any)
        {
            return (configuration, null);
        }

        configuration.ModelSettings(KindNames.All).AddMistakes(errors);
        return (null, Failure(errors));
    }

    /// <summary>Reads where to listen and nothing else, which whoever only wants to talk to the gateway waits for.</summary>
    public static (IReadOnlyList<ListenAddress> Addresses, SettingsErrors Errors) ReadAddresses(string[] args)
    {
        var errors = new SettingsErrors();
        return (Load(args, FindFolder(), [], errors) is { } root ? ListenAddress.Read(root["Urls"], root["port"], allowsNetwork: true, errors) : [], errors);
    }

    /// <summary>The files that a configuration with these switches is read from, whether they exist or not.</summary>
    public static IReadOnlyList<string> FilesOf(string[] args) => FilesIn(FindFolder(), new ConfigurationBuilder().AddCommandLine(args).Build()["config"]);

    /// <summary>The mistakes as the terminal shows them.</summary>
    public static StartFailure Failure(SettingsErrors errors) => new(
        StartFailure.Configuration,
        [$"MlxGateway does not start: the configuration has {(errors.All.Count == 1 ? "a mistake" : $"{errors.All.Count} mistakes")}.", .. errors.All.Select(e => $"  {e}")]);

    private static IReadOnlyList<string> FilesIn(string folder, string? extra) => extra is null ? [Path.Combine(folder, File)] : [Path.Combine(folder, File), Path.GetFullPath(extra)];

    // The folder where the user is, if the gateway's file is in it; another program's file of the same name is not ours to read.
    private static string FindFolder()
    {
        var here = Directory.GetCurrentDirectory();
        var file = Path.Combine(here, File);
        try
        {
            return System.IO.File.Exists(file) && System.IO.File.ReadAllText(file).Contains($"\"{Section}\"", StringComparison.OrdinalIgnoreCase) ? here : AppContext.BaseDirectory;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return AppContext.BaseDirectory;
        }
    }

    // The later one wins. One that says an empty text counts as silent here, which is true of none that matters.
    private static string SourceOf(string key, IConfigurationRoot root, IReadOnlyList<string> sources) =>
        root.Providers.Zip(sources).LastOrDefault(source => source.First.TryGet(key, out _)) is (not null, var name) ? name : sources[0];

    // Each source that is added is named beside it, in the same order.
    private static IConfigurationRoot? Load(string[] args, string folder, List<string> sources, SettingsErrors errors)
    {
        var switches = new ConfigurationBuilder().AddCommandLine(args).Build();
        var builder = new ConfigurationBuilder();
        AddFile(builder, Path.Combine(folder, File), sources, errors, mustExist: false);
        if (switches["config"] is { } extra)
        {
            AddFile(builder, Path.GetFullPath(extra), sources, errors, mustExist: true);
        }

        if (errors.Any)
        {
            return null;
        }

        builder.AddInMemoryCollection(Variables());
        builder.AddConfiguration(switches);
        sources.AddRange(["environment", "command line"]);
        return builder.Build();
    }

    private static void AddFile(ConfigurationBuilder builder, string path, List<string> sources, SettingsErrors errors, bool mustExist)
    {
        if (!System.IO.File.Exists(path))
        {
            if (mustExist)
            {
                errors.Add("--config", $"the file {path} does not exist.");
            }

            return;
        }

        try
        {
            builder.AddConfiguration(new ConfigurationBuilder().AddJsonStream(new MemoryStream(System.IO.File.ReadAllBytes(path))).Build());
            sources.Add(path);
        }
        catch (Exception broken) when (broken is JsonException or FormatException or InvalidDataException)
        {
            errors.Add(path, $"is not valid JSON: {(broken.InnerException ?? broken).Message}");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            errors.Add(path, $"cannot be read: {unreadable.Message}");
        }
    }

    // ASP.NET Core's own variables first, then ours without their prefix. A name that begins with a key of our section needs no MlxGateway__ in front.
    private static Dictionary<string, string?> Variables()
    {
        var own = typeof(GatewayOptions).GetProperties().Select(p => p.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var common = new ConfigurationBuilder().AddEnvironmentVariables("ASPNETCORE_").Build().AsEnumerable();
        var ours = new ConfigurationBuilder().AddEnvironmentVariables("MLXGATEWAY_").Build().AsEnumerable()
            .Select(v => own.Contains(v.Key.Split(':')[0]) ? KeyValuePair.Create(ConfigurationPath.Combine(Section, v.Key), v.Value) : v);
        var all = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in common.Concat(ours).Where(v => v.Value is not null))
        {
            all[key] = value; // one key may be written in several ways
        }

        return all;
    }
}
