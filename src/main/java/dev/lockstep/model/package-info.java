/**
 * Hugging Face checkpoints and what reads them: {@link dev.lockstep.model.Checkpoint} checks a directory completely
 * before a byte of its weights is loaded, {@link dev.lockstep.model.Tokenizer} turns text into tokens and back, and
 * {@link dev.lockstep.model.TorchScriptArchive} packs a TorchScript program for DJL's PyTorch engine. Nothing here knows
 * of ranks.
 */
package dev.lockstep.model;
