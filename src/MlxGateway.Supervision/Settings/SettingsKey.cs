using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace MlxGateway.Supervision.Settings;

/// <summary>A key that may be written in a section, and the property that it sets.</summary>
/// <param name="Name">The key as it is documented.</param>
/// <param name="Property">What it sets.</param>
/// <param name="Rules">What its value must obey.</param>
/// <param name="AutoIsNull">Whether <c>auto</c> may be written for null.</param>
/// <param name="IsNullable">Whether null may be written.</param>
internal sealed record SettingsKey(string Name, PropertyInfo Property, IReadOnlyList<ValidationAttribute> Rules, bool AutoIsNull, bool IsNullable)
{
    private static readonly ConcurrentDictionary<Type, FrozenDictionary<string, SettingsKey>> Known = [];

    /// <summary>The keys of an options type, found without regard to case.</summary>
    public static FrozenDictionary<string, SettingsKey> Of(Type type) =>
        Known.GetOrAdd(type, static t => t.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.SetMethod is { IsPublic: true } && property.GetIndexParameters().Length == 0)
            .Select(From)
            .ToFrozenDictionary(key => key.Name, StringComparer.OrdinalIgnoreCase));

    /// <summary>The type of the values of a dictionary whose keys are text; null for any other type.</summary>
    public static Type? DictionaryValue(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Dictionary<,>) && type.GenericTypeArguments[0] == typeof(string) ? type.GenericTypeArguments[1] : null;

    /// <summary>The dictionary that the options hold, which brings its own comparer; a new one if they hold none.</summary>
    public IDictionary EnsureDictionary(object options) => (IDictionary)EnsureValue(options);

    /// <summary>The object that the options hold; a new one if they hold none.</summary>
    public object EnsureValue(object options)
    {
        if (Property.GetValue(options) is { } present)
        {
            return present;
        }

        var made = Activator.CreateInstance(Property.PropertyType)!;
        Property.SetValue(options, made);
        return made;
    }

    private static SettingsKey From(PropertyInfo property) => new(
        property.GetCustomAttribute<ConfigurationKeyNameAttribute>()?.Name ?? property.Name,
        property,
        [.. property.GetCustomAttributes<ValidationAttribute>()],
        property.IsDefined(typeof(AutoIsNullAttribute)),
        new NullabilityInfoContext().Create(property).WriteState == NullabilityState.Nullable);
}
