using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using MlxGateway.Admin;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Hosting;

/// <summary>Writes options in the form in which they are configured, with every default, and with <c>***</c> for what may be secret.</summary>
internal static partial class EffectiveSettings
{
    private const string Mask = "***";

    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The whole configuration.</summary>
    /// <param name="addresses">What is listened on.</param>
    /// <param name="allowedHosts">The setting of this name.</param>
    /// <param name="server">The server's own section, which has no defaults here.</param>
    /// <param name="of">The options that are in force for a key of the gateway's section.</param>
    public static JsonElement Show(IReadOnlyList<string> addresses, string? allowedHosts, IConfigurationSection server, Func<string, GatewayOptions> of)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Readable))
        {
            json.WriteStartObject();
            json.WritePropertyName("Urls");
            Write(json, "Urls", addresses, property: null);
            json.WriteString("AllowedHosts", allowedHosts);
            if (server.Exists())
            {
                json.WritePropertyName(server.Key);
                WriteSection(json, server);
            }

            json.WriteStartObject(nameof(MlxGateway));
            foreach (var key in Keys(typeof(GatewayOptions)))
            {
                json.WritePropertyName(NameOf(key));
                Write(json, key.Name, key.GetValue(of(key.Name)), key);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        using var document = JsonDocument.Parse(buffer.ToArray());
        return document.RootElement.Clone();
    }

    private static void WriteSection(Utf8JsonWriter json, IConfigurationSection section)
    {
        var inner = section.GetChildren().ToList();
        if (inner.Count == 0)
        {
            json.WriteStringValue(section.Value is { } text ? Shown(section.Key, text) : null);
            return;
        }

        json.WriteStartObject();
        foreach (var one in inner)
        {
            json.WritePropertyName(one.Key);
            WriteSection(json, one);
        }

        json.WriteEndObject();
    }

    private static IEnumerable<PropertyInfo> Keys(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(static p => p.SetMethod is { IsPublic: true } && p.GetIndexParameters().Length == 0);

    // As it is written in a file.
    private static string NameOf(PropertyInfo key) => key.GetCustomAttribute<ConfigurationKeyNameAttribute>()?.Name ?? key.Name;

    private static void Write(Utf8JsonWriter json, string name, object? value, PropertyInfo? property)
    {
        switch (value)
        {
            case null when property?.IsDefined(typeof(AutoIsNullAttribute)) == true: json.WriteStringValue("auto"); break;
            case null: json.WriteNullValue(); break;
            case Uri address: json.WriteStringValue(Shown(name, address.OriginalString)); break;
            case string text: json.WriteStringValue(Shown(name, text)); break;
            case bool truth: json.WriteBooleanValue(truth); break;
            case int number: json.WriteNumberValue(number); break;
            case long number: json.WriteNumberValue(number); break;
            case double number: json.WriteNumberValue(number); break;
            case TimeSpan duration: json.WriteStringValue(duration.ToString("c", CultureInfo.InvariantCulture)); break;
            case ByteSize size: json.WriteStringValue(SizeOf(size)); break;
            case Enum word: json.WriteStringValue(word.ToString()); break;
            case JsonText written: WriteJson(json, name, written); break;
            case IDictionary entries: WriteEntries(json, name, entries); break;
            case IReadOnlyList<string> list: WriteList(json, name, list); break;
            default: WriteOptions(json, value); break;
        }
    }

    private static void WriteOptions(Utf8JsonWriter json, object options)
    {
        json.WriteStartObject();
        foreach (var key in Keys(options.GetType()))
        {
            json.WritePropertyName(NameOf(key));
            Write(json, key.Name, key.GetValue(options), key);
        }

        json.WriteEndObject();
    }

    private static void WriteEntries(Utf8JsonWriter json, string name, IDictionary entries)
    {
        json.WriteStartObject();
        foreach (DictionaryEntry entry in entries)
        {
            var key = (string)entry.Key;
            json.WritePropertyName(key);

            // Headers are there to say who one is.
            Write(json, key, entry.Value is string && name.Contains("Headers", StringComparison.OrdinalIgnoreCase) ? Mask : entry.Value, property: null);
        }

        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> list)
    {
        json.WriteStartArray();
        foreach (var text in name is "Args" or "Command" ? SecretArguments.Masked(list, []) : list)
        {
            json.WriteStringValue(Clean(text));
        }

        json.WriteEndArray();
    }

    private static void WriteJson(Utf8JsonWriter json, string name, JsonText written)
    {
        var text = SecretFilter.IsTelling(name) ? $"\"{Mask}\"" : Clean(written.Json);
        try
        {
            using var whole = JsonDocument.Parse(text);
            whole.WriteTo(json);
        }
        catch (JsonException)
        {
            json.WriteStringValue(Mask); // what was taken out of it took more with it
        }
    }

    // A hash is no secret to who guesses well, and a key may be guessed at when its hash is known.
    private static string Shown(string name, string text) =>
        text.Length > 0 && (name == "Hash" || name.Contains("Headers", StringComparison.OrdinalIgnoreCase) || SecretFilter.IsTelling(name)) ? Mask : Clean(text);

    private static string Clean(string text) => Credentials().Replace(SecretFilter.Clean(text, []), "://***@");

    // In the largest unit that says it exactly, so that it can be written back.
    private static string SizeOf(ByteSize size)
    {
        (string Unit, int Shift)[] units = [("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10), ("B", 0)];
        var (unit, shift) = Array.Find(units, u => size.Bytes != 0 && size.Bytes % (1L << u.Shift) == 0);
        return unit is null ? "0B" : string.Create(CultureInfo.InvariantCulture, $"{size.Bytes >> shift}{unit}");
    }

    [GeneratedRegex(@"://[^/\s]+@")]
    private static partial Regex Credentials();
}
