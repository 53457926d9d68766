package dev.lockstep.generate;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Why a sequence ended. */
public enum FinishReason {
    /** It has all the new tokens it may have, or the context is full. */
    @JsonProperty("length")
    LENGTH,
    /** An end token was generated; it is the last of the sequence's tokens. */
    @JsonProperty("eos")
    EOS,
    /** A stop string came up; the text ends before it. */
    @JsonProperty("stop")
    STOP,
    /** Nothing was generated; the completion says why. */
    @JsonProperty("error")
    ERROR
}
