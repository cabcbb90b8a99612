namespace OrleansStreaming;

/// <summary>An event that an operator could not process, with the reason. Carried by the stream <c>{operator}.deadletters</c>.</summary>
/// <param name="Operator">The operator's name.</param>
/// <param name="Key">The grain's key as text.</param>
/// <param name="Stream">The stream that the event was read from.</param>
/// <param name="Offset">The event's position, as <see cref="OrleansStreaming.Offset.ToString"/> writes it.</param>
/// <param name="EventType">The name of the event's type.</param>
/// <param name="Payload">The event as it was serialised.</param>
/// <param name="Error">Type and message of the exception, with its stack trace; at most 8 KiB.</param>
public sealed record DeadLetter(
    string Operator, string Key, string Stream, string Offset, string EventType, byte[] Payload, string Error);
