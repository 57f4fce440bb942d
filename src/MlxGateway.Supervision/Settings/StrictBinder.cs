using Microsoft.Extensions.Configuration;

namespace MlxGateway.Supervision.Settings;

/// <summary>
/// Reads a section of the configuration into its options and finds every mistake in it at once: a key that no property stands for,
/// a value that cannot be read, one that is out of range, a section where one value belongs.
/// </summary>
/// <remarks>
/// The stock binder stops at the first mistake, names .NET types in its message, and takes <c>"30"</c> for thirty days.
/// Keys are matched without regard to case, as everywhere in the configuration. What is written as <c>[]</c> or <c>{}</c> reaches
/// the configuration as an empty text or as null, so both mean "nothing in it" wherever a list or a section belongs.
/// </remarks>
public static class StrictBinder
{
    /// <summary>Reads <paramref name="section"/>. Mistakes go to <paramref name="errors"/>; where there is one, the property keeps its default.</summary>
    /// <typeparam name="T">The options: each public property with a setter is a key.</typeparam>
    public static T Bind<T>(IConfigurationSection section, SettingsErrors errors, TextConverters converters)
        where T : class, new()
    {
        var options = new T();
        new SectionReader(errors, converters).Fill(options, section, isNamed: false);
        return options;
    }
}
