namespace FlightBoard;

/// <summary>Something that the user can put right; shown without a stack trace.</summary>
internal sealed class UserException(string message, Exception? inner = null) : Exception(message, inner);
