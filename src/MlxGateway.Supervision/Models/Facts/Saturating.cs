namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Arithmetic with numbers, 0 or more, that anybody may have written into a file: what grows too large stays at the largest.</summary>
internal static class Saturating
{
    /// <summary>The sum, or the largest number.</summary>
    public static long Add(long left, long right) => left > long.MaxValue - right ? long.MaxValue : left + right;

    /// <summary>The product, or the largest number.</summary>
    public static long Multiply(long left, long right) => Math.BigMul(left, right) is var product && product > long.MaxValue ? long.MaxValue : (long)product;

    /// <summary>The product, or the largest number.</summary>
    public static long Product(params ReadOnlySpan<long> factors)
    {
        var product = 1L;
        foreach (var factor in factors)
        {
            product = Multiply(product, factor);
        }

        return product;
    }
}
