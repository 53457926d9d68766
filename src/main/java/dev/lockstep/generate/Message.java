package dev.lockstep.generate;

/**
 * One message of a conversation.
 *
 * @param role    who says it: {@code system}, {@code user}, {@code assistant}, or what else the model's chat template knows
 * @param content its text
 */
public record Message(String role, String content) {}
