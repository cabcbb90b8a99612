namespace Flights;

/// <summary>Something that the user can put right; shown without a stack trace.</summary>
public sealed class UserException(string message, Exception? inner = null) : Exception(message, inner);
