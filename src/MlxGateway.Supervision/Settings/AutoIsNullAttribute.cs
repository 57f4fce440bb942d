namespace MlxGateway.Supervision.Settings;

/// <summary>Marks a nullable setting that may be written as <c>auto</c>, which leaves it null: the program finds the value.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AutoIsNullAttribute : Attribute;
