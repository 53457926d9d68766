/**
 * JUnit 5 tests whose ranks are threads of their JVM. Begin with {@link dev.lockstep.junit.Ranks}. Whoever uses it has JUnit
 * Jupiter; nothing else of Lockstep needs it.
 */
@NullMarked
package dev.lockstep.junit;

import org.jspecify.annotations.NullMarked;
