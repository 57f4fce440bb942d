using Microsoft.Extensions.Configuration;

namespace MlxGateway.Supervision.Settings;

/// <summary>Reads single values, and lists of texts.</summary>
internal sealed class ValueReader(SettingsErrors errors, TextConverters converters)
{
    /// <summary>As much of a value as a person needs to find it again.</summary>
    public static string Quote(string text) => text.Length <= 80 ? $"\"{text}\"" : $"\"{text.AsSpan(0, 80)}…\"";

    /// <summary>Reads one value.</summary>
    /// <param name="key">The key it belongs to; null for an entry of a dictionary or list, which can be neither null nor <c>auto</c>.</param>
    /// <param name="value">What it says; null may be a value.</param>
    /// <returns>False if it was a mistake, which is then among the errors.</returns>
    public bool TryRead(IConfigurationSection section, TextConverter converter, SettingsKey? key, out object? value)
    {
        value = null;
        var advice = key is { AutoIsNull: true } ? $"{converter.Advice}, or \"auto\"" : converter.Advice;
        if (section.GetChildren().Any())
        {
            errors.Add(section.Path, $"is a list or a section; one value belongs here: write {advice}.");
            return false;
        }

        if (section.Value is not { } text)
        {
            if (key is { IsNullable: true })
            {
                return true;
            }

            errors.Add(section.Path, key is null ? $"is null; write {advice}." : $"is null; write {advice}, or leave the key out for the default.");
            return false;
        }

        if (key is { AutoIsNull: true } && text.Trim().Equals("auto", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        value = converter.Read(text);
        if (value is null)
        {
            errors.Add(section.Path, $"{Quote(text)} is not {converter.Noun}; write {advice}.");
        }

        return value is not null;
    }

    /// <summary>Reads a list of texts; null if any of it was a mistake.</summary>
    public List<string>? ReadList(IConfigurationSection section)
    {
        if (!string.IsNullOrEmpty(section.Value))
        {
            errors.Add(section.Path, $"{Quote(section.Value)} is one value; a list belongs here: write [ {Quote(section.Value)} ].");
            return null;
        }

        var list = new List<string>();
        var isGood = true;
        var converter = converters.For(typeof(string))!;
        foreach (var child in section.GetChildren())
        {
            if (!int.TryParse(child.Key, out _))
            {
                errors.Add(child.Path, "is a key where a list belongs; write [ \"first\", \"second\" ].");
                isGood = false;
            }
            else if (TryRead(child, converter, key: null, out var value))
            {
                list.Add((string)value!);
            }
            else
            {
                isGood = false;
            }
        }

        return isGood ? list : null;
    }
}
