using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;

namespace MlxGateway.Supervision.Settings;

/// <summary>Walks a section and an options object side by side.</summary>
internal sealed class SectionReader(SettingsErrors errors, TextConverters converters)
{
    private readonly ValueReader _values = new(errors, converters);

    /// <summary>Sets every property of <paramref name="options"/> that the section names.</summary>
    /// <param name="isNamed">Whether the section's own key is a free name, such as a model id, and so may have been cut at a colon.</param>
    public void Fill(object options, IConfigurationSection section, bool isNamed)
    {
        if (!IsSection(section))
        {
            return;
        }

        var keys = SettingsKey.Of(options.GetType());
        foreach (var child in section.GetChildren())
        {
            if (keys.TryGetValue(child.Key, out var key))
            {
                Set(options, key, child);
            }
            else
            {
                errors.Add(child.Path, Unknown(child, keys.Values.Select(k => k.Name), isNamed ? section.Key : null));
            }
        }

        foreach (var key in keys.Values)
        {
            Validate(options, key, ConfigurationPath.Combine(section.Path, key.Name));
        }
    }

    private void Set(object options, SettingsKey key, IConfigurationSection section)
    {
        var type = key.Property.PropertyType;
        if (converters.For(type) is { } converter)
        {
            if (_values.TryRead(section, converter, key, out var value))
            {
                key.Property.SetValue(options, value);
            }
        }
        else if (type == typeof(List<string>))
        {
            if (_values.ReadList(section) is { } list)
            {
                key.Property.SetValue(options, list);
            }
        }
        else if (SettingsKey.DictionaryValue(type) is { } valueType)
        {
            FillDictionary(key.EnsureDictionary(options), valueType, section);
        }
        else if (type.IsAssignableTo(typeof(System.Collections.IEnumerable)))
        {
            throw new NotSupportedException($"{key.Property.DeclaringType}.{key.Property.Name} is of a type that no setting can have: {type}.");
        }
        else
        {
            Fill(key.EnsureValue(options), section, isNamed: false);
        }
    }

    private void FillDictionary(System.Collections.IDictionary dictionary, Type valueType, IConfigurationSection section)
    {
        if (!IsSection(section))
        {
            return;
        }

        foreach (var child in section.GetChildren())
        {
            if (valueType == typeof(JsonText))
            {
                dictionary[child.Key] = JsonText.From(child);
            }
            else if (converters.For(valueType) is { } converter)
            {
                if (_values.TryRead(child, converter, key: null, out var value))
                {
                    dictionary[child.Key] = value;
                }
            }
            else
            {
                var entry = Activator.CreateInstance(valueType)!;
                dictionary[child.Key] = entry;
                Fill(entry, child, isNamed: true);
            }
        }
    }

    private bool IsSection(IConfigurationSection section)
    {
        if (string.IsNullOrEmpty(section.Value))
        {
            return true;
        }

        errors.Add(section.Path, $"{ValueReader.Quote(section.Value)} is one value; a section with keys of its own, {{ … }}, belongs here.");
        return false;
    }

    private void Validate(object options, SettingsKey key, string path)
    {
        if (errors.Has(path))
        {
            return; // The property holds its default, which is not what was written.
        }

        var value = key.Property.GetValue(options);
        foreach (var rule in key.Rules.Where(rule => !rule.IsValid(value)))
        {
            errors.Add(path, rule switch
            {
                RangeAttribute range => FormattableString.Invariant($"\"{value}\" is out of range; write a value from {range.Minimum} to {range.Maximum}."),
                RequiredAttribute => "is required and has no value.",
                _ => rule.FormatErrorMessage(key.Name),
            });
        }
    }

    private static string Unknown(IConfigurationSection child, IEnumerable<string> known, string? name)
    {
        var names = known.ToList();
        if (Spelling.Nearest(child.Key, names, 1) is [var nearest])
        {
            return $"is not a known key; did you mean \"{nearest}\"?";
        }

        return name is not null && child.GetChildren().Any()
            ? $"is not a known key. If \"{name}:{child.Key}\" was meant as one name: the configuration cuts keys at colons, so such a name goes into \"Aliases\" of a model with another name."
            : $"is not a known key; known here: {string.Join(", ", names.Order(StringComparer.Ordinal))}.";
    }
}
