import * as sharedBudget from '../../proofs/shared-budget.ts';
import { describeShortProof } from '../short-proof.ts';

describeShortProof(sharedBudget);
